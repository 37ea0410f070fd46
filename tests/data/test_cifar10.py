"""CIFAR-10 without a network: torchvision's class is stood in for."""

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
