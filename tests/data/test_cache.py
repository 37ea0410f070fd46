"""Caches are current, whole, or built again, and go where they are told."""

import os
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image

from alexnet_study.data import content
from alexnet_study.data.cache import load_dataset
from alexnet_study.data.image_folder import ImageFolder
from alexnet_study.errors import RequestError


def test_the_cache_is_used_while_current_and_rebuilt_when_a_file_changes(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_dataset(str(images))
    with monkeypatch.context() as patch:
        patch.delattr(ImageFolder, "decode")  # a current cache needs no decoding
        again = load_dataset(str(images))
    assert again.content_hash == first.content_hash
    assert torch.equal(again.train.images, first.train.images)
    Image.new("RGB", (32, 32), (1, 2, 3)).save(images / "test/class0/000.png")
    changed = load_dataset(str(images))
    assert changed.content_hash != first.content_hash
    assert changed.test.images[0, :, 0, 0].tolist() == [1, 2, 3]


def with_other_bytes(path: Path) -> None:
    """Change an image's pixels, not its size and times."""
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_other_bytes_of_the_same_size_and_time_are_found(images: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = images / "train/class1/003.png"
    Image.open(path).save(path, "PPM")
    first = load_dataset(str(images))
    with_other_bytes(path)
    changed = load_dataset(str(images))
    assert (changed.train.images != first.train.images).sum() == 1
    assert f"{path} has changed, though not its size and time" in capfd.readouterr().err


def test_of_many_files_a_sample_is_read_and_all_are_where_asked(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "SAMPLE_FILES", 3)
    path = images / "train/class1/003.png"
    Image.open(path).save(path, "PPM")
    first = load_dataset(str(images))
    read: list[str] = []
    own = content._read
    monkeypatch.setattr(content, "_read", lambda path: (read.append(path), own(path))[1])
    for _ in range(20):
        load_dataset(str(images))
    assert len(read) == 60
    assert 20 < len(set(read)) <= 60  # another sample each time
    with_other_bytes(path)
    assert load_dataset(str(images), verify=True).content_hash != first.content_hash


def test_a_sample_stops_at_its_share_of_bytes(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [str(path) for path in images.rglob("*.png")]
    digests = content.digests_of(files)
    read: list[str] = []
    monkeypatch.setattr(content, "SAMPLE_BYTES", 1)
    own = content._read
    monkeypatch.setattr(content, "_read", lambda path: (read.append(path), own(path))[1])
    assert content.changed_file(files, digests, every=False) is None
    assert len(read) == 1
    assert content.changed_file(files, digests, every=True) is None
    assert len(read) == 1 + len(files)
    digests[-1] ^= 1
    assert content.changed_file(files, digests, every=True) == files[-1]


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest", "digests"])
def test_a_damaged_cache_is_reported_and_rebuilt(images: Path, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    first = load_dataset(str(images))
    name = {"manifest": "manifest.json", "digests": "digests.npy"}.get(damage, "train_images.npy")
    path = images.with_name("images.cache") / name
    written = bytearray(path.read_bytes())
    if damage in ("flip", "digests"):
        written[-5] ^= 4
        path.write_bytes(written)
    elif damage == "truncate":
        path.write_bytes(written[:-100])
    elif damage == "manifest":
        path.write_text("{")
    else:
        path.unlink()
    again = load_dataset(str(images))
    assert again.content_hash == first.content_hash
    assert damage == "remove" or "damaged" in capfd.readouterr().err
    assert path.exists()


def test_two_that_build_at_once_both_end_with_the_data(images: Path) -> None:
    hashes: list[str] = []
    threads = [threading.Thread(target=lambda: hashes.append(load_dataset(str(images)).content_hash)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hashes) == 4
    assert len(set(hashes)) == 1
    assert [path.name for path in images.parent.iterdir() if path.name.startswith(".")] == []


def test_the_cache_goes_where_it_is_told_or_to_the_users_folder(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told"
    load_dataset(str(images), cache=told)
    assert (next(told.iterdir()) / "manifest.json").exists()
    assert not images.with_name("images.cache").exists()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(ImageFolder, "beside", lambda _: tmp_path / "file/images.cache")  # cannot be written
    load_dataset(str(images))
    assert list((tmp_path / "user").rglob("manifest.json"))
    with pytest.raises(RequestError, match="--cache"):
        load_dataset(str(images), cache=tmp_path / "file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(load_dataset(str(images)).train) == 48
    assert "no cache" in capfd.readouterr().err
