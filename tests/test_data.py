"""Sources decode to the pixels that PIL reads; caches are current, whole, or built again."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_study.data import MEAN, STD, evenly_over_classes, load_dataset, normalise
from alexnet_study.data_sources import ImageFolder
from alexnet_study.errors import RequestError
from tests.conftest import write_images


def test_a_folder_decodes_to_its_pixels_and_labels(images: Path) -> None:
    data = load_dataset(str(images))
    assert data.classes == ("class0", "class1", "class2", "class3")
    assert data.train.images.shape == (48, 3, 32, 32)
    assert data.test.labels.tolist() == [label for label in range(4) for _ in range(5)]
    expected = np.asarray(Image.open(images / "test/class2/003.png")).transpose(2, 0, 1)
    assert np.array_equal(data.test.images[13].numpy(), expected)


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


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest"])
def test_a_damaged_cache_is_reported_and_rebuilt(images: Path, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    first = load_dataset(str(images))
    path = images.with_name("images.cache") / ("manifest.json" if damage == "manifest" else "train_images.npy")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-5] ^= 4
        path.write_bytes(content)
    elif damage == "truncate":
        path.write_bytes(content[:-100])
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


def test_other_sizes_and_modes_become_32_by_32_rgb(images: Path, capfd: pytest.CaptureFixture[str]) -> None:
    grey = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8)[:, None] * 4, (1, 64)))
    grey.save(images / "train/class0/000.png")
    data = load_dataset(str(images))
    antialiased = np.asarray(grey.resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(data.train.images[0].numpy(), np.stack([antialiased] * 3))
    assert data.source["resized"] == 1
    assert "not 32×32" in capfd.readouterr().err


def test_mistakes_in_a_folder_are_one_line(images: Path) -> None:
    def refused(match: str) -> None:
        with pytest.raises(RequestError, match=match):
            load_dataset(str(images))

    (images / "test/class0/000.png").write_bytes(b"no image")
    refused(r"class0/000\.png")
    (images / "test/class9").mkdir()
    refused("no images in class class9")
    shutil.rmtree(images / "test/class9")
    shutil.rmtree(images / "test/class1")
    refused("differ in class1")
    shutil.rmtree(images / "test")
    refused("test/ is missing")
    shutil.rmtree(images / "train")
    (images / "train").mkdir()
    refused("no images in it")
    shutil.rmtree(images)
    refused("no such folder")


def test_cifar10_comes_from_torchvision_and_says_what_to_do_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision.datasets

    class Fake:
        classes = ("a", "b")
        data = np.arange(2 * 32 * 32 * 3, dtype=np.uint8).reshape(2, 32, 32, 3)
        targets = (1, 0)

        def __init__(self, root: Path, *, train: bool, download: bool) -> None:
            (root / "cifar-10-batches-py").mkdir(parents=True, exist_ok=True)

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route\nto host")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", offline)
    with pytest.raises(RequestError, match=r"no route to host.*--data FOLDER"):
        load_dataset("cifar10")
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Fake)
    data = load_dataset("cifar10")
    assert data.train.labels.tolist() == [1, 0]
    assert np.array_equal(data.train.images[1].numpy(), Fake.data[1].transpose(2, 0, 1))


def test_digits_are_split_in_equal_shares(tmp_path: Path) -> None:
    data = load_dataset("digits", cache=tmp_path)
    shares = data.test.labels.bincount() / (data.test.labels.bincount() + data.train.labels.bincount())
    assert len(data.train) + len(data.test) == 1797
    assert ((shares - 0.2).abs() < 0.02).all()


def test_normalise_scales_then_standardises() -> None:
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (MEAN, STD))
    expected = (images.double() / 255 - mean) / std
    torch.testing.assert_close(normalise(images).double(), expected, rtol=1e-5, atol=1e-5)


def test_evenly_over_classes_takes_the_first_of_each() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    assert evenly_over_classes(labels, 6).tolist() == [0, 1, 4, 5, 6, 7]
    assert evenly_over_classes(labels, 100).tolist() == list(range(8))


def test_the_fixture_has_the_shape_that_tests_rely_on(tmp_path: Path) -> None:
    assert len(list(write_images(tmp_path / "more", classes=2).rglob("*.png"))) == 34
