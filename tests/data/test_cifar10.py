"""CIFAR-10 and CIFAR-100 without a network: torchvision's class, or the archive, is stood in for."""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError


def test_cifar10_comes_from_torchvision_and_says_what_to_do_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision.datasets

    class Fake:
        classes = ("a", "b")
        data = np.arange(4 * 32 * 32 * 3, dtype=np.uint8).reshape(4, 32, 32, 3)
        targets = (1, 0, 1, 0)

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
    assert data.train.labels.tolist() == [1, 0, 1, 0]
    assert np.array_equal(data.train.images[1].numpy(), Fake.data[1].transpose(2, 0, 1))


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/cifar-100-python.tar.gz in the format of the true one, and torchvision told its checksums."""
    from torchvision.datasets import CIFAR100

    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    fine = [f"class {label:02}" for label in range(100)]
    contents = {"meta": {"fine_label_names": fine, "coarse_label_names": ["coarse"] * 20}}
    rng = np.random.default_rng(0)
    for split, count in (("train", 200), ("test", 100)):
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        labels = [index % 100 for index in range(count)]
        contents[split] = {"data": pixels, "fine_labels": labels, "coarse_labels": [0] * count}
    path = tmp_path / "data/cifar-100-python.tar.gz"
    sums = {}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            raw = pickle.dumps(content)
            sums[name] = hashlib.md5(raw).hexdigest()
            info = tarfile.TarInfo(f"cifar-100-python/{name}")
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    monkeypatch.setattr(CIFAR100, "tgz_md5", hashlib.md5(path.read_bytes()).hexdigest())
    monkeypatch.setattr(CIFAR100, "train_list", [["train", sums["train"]]])
    monkeypatch.setattr(CIFAR100, "test_list", [["test", sums["test"]]])
    monkeypatch.setattr(CIFAR100, "meta", {**CIFAR100.meta, "md5": sums["meta"]})
    return path


def test_cifar100_comes_from_its_archive_with_fine_labels(archive: Path) -> None:
    data = load_dataset("cifar100")
    assert data.classes == tuple(f"class {label:02}" for label in range(100))
    assert data.test.labels.tolist() == list(range(100))
    pixels = pickle.loads((archive.parent / "cifar-100-python/train").read_bytes())["data"]
    assert np.array_equal(data.train.images.numpy(), pixels.reshape(200, 3, 32, 32))
    assert (data.source.kind, data.source.name) == ("cifar100", "CIFAR-100")
    assert (archive.parent / "cifar100.cache/manifest.json").exists()
    assert load_dataset("cifar100", verify=True).content_hash == data.content_hash


def test_a_damaged_archive_of_cifar100_is_one_line(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR100

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    archive.write_bytes(archive.read_bytes()[:-9])
    monkeypatch.setattr(CIFAR100, "download", offline)
    with pytest.raises(RequestError, match=r"--data cifar100: could not download CIFAR-100.*cifar-100-python.tar.gz"):
        load_dataset("cifar100")
