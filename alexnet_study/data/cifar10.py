"""CIFAR-10, from torchvision."""

from pathlib import Path
from typing import Any

import numpy as np

from alexnet_study.data.arrays import Arrays
from alexnet_study.data.content import digests_of
from alexnet_study.errors import RequestError

DATA = Path("data")


class Cifar10:
    """CIFAR-10 as torchvision downloads and verifies it; torchvision's other data sets of its format inherit."""

    request = "cifar10"
    name = "CIFAR-10"
    torchvision_class = "CIFAR10"
    archive = "cifar-10-python.tar.gz"
    folder = DATA / "cifar-10-batches-py"

    def manifest(self) -> dict[str, object]:
        """Return names, sizes and times of the batches; download them first if they are missing."""
        if not self.folder.is_dir():
            self._split(train=True)
        return {"kind": self.request, "name": self.name, "files": _listing(self._paths(), self.folder)}

    def files(self) -> list[str]:
        """Return the batches' paths."""
        return [str(path) for path in self._paths()]

    def notes(self) -> list[str]:
        """Return no note: nothing is left out."""
        return []

    def beside(self) -> Path:
        """Return a folder of data/ that is named after the request."""
        return DATA / f"{self.request}.cache"

    def decode(self) -> Arrays:
        """Return both splits, verified by torchvision against its own checksums."""
        train, test = self._split(train=True), self._split(train=False)
        return Arrays(
            train_images=np.ascontiguousarray(train.data.transpose(0, 3, 1, 2)),
            train_labels=np.asarray(train.targets, dtype=np.int64),
            test_images=np.ascontiguousarray(test.data.transpose(0, 3, 1, 2)),
            test_labels=np.asarray(test.targets, dtype=np.int64),
            classes=tuple(train.classes),
            digests=digests_of(self.files()),
        )

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*") if path.is_file())

    def _split(self, *, train: bool) -> Any:
        import torchvision.datasets

        try:
            return getattr(torchvision.datasets, self.torchvision_class)(DATA, train=train, download=True)
        except (OSError, RuntimeError) as error:  # no network, a proxy's refusal, a damaged archive, a full disk
            reason = " ".join(str(error).split())
            raise RequestError(
                f"--data {self.request}: could not download {self.name} into {DATA}/ ({reason}); "
                f"put {self.archive} there, or give --data digits "
                "or --data FOLDER with train/<class>/* and test/<class>/*"
            ) from None


def _listing(paths: list[Path], root: Path) -> list[list[object]]:
    stats = [(path, path.stat()) for path in paths]
    return [[str(path.relative_to(root)), stat.st_size, stat.st_mtime_ns] for path, stat in stats]
