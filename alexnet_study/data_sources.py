"""Where images come from: each source tells what it is, cheaply, and decodes itself to arrays.

A source is one of the table `SOURCES`, `cifar10` (torchvision's, downloaded into data/ when missing) or `digits`
(scikit-learn's), or a folder with `train/<class>/*` and `test/<class>/*`.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from alexnet_study.errors import RequestError
from alexnet_study.files import cache_beside

SIDE = 32
DATA = Path("data")
EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's ImageFolder's


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """images uint8 (N, 3, 32, 32), labels int64 (N,), for both splits."""

    train_images: np.ndarray[Any, Any]
    train_labels: np.ndarray[Any, Any]
    test_images: np.ndarray[Any, Any]
    test_labels: np.ndarray[Any, Any]
    classes: tuple[str, ...]
    resized: int = 0  # images that were not 32×32


class Source(Protocol):
    """What a source of images must tell."""

    def manifest(self) -> dict[str, Any]:
        """Return what the data is and, cheaply, whether it changed: names, sizes and times."""

    def beside(self) -> Path | None:
        """Return where its cache would lie beside it; None where it has no folder."""

    def decode(self) -> Arrays:
        """Return all of it."""


class Cifar10:
    """CIFAR-10 as torchvision downloads and verifies it."""

    folder = DATA / "cifar-10-batches-py"

    def manifest(self) -> dict[str, Any]:
        """Names, sizes and times of the batches; downloads them first when they are missing."""
        if not self.folder.is_dir():
            self._split(train=True)
        return {"kind": "cifar10", "name": "CIFAR-10", "files": _listing(sorted(self.folder.glob("*")), self.folder)}

    def beside(self) -> Path:
        """data/cifar10.cache"""
        return DATA / "cifar10.cache"

    def decode(self) -> Arrays:
        """Both splits, verified by torchvision against its own checksums."""
        train, test = self._split(train=True), self._split(train=False)
        return Arrays(
            train_images=np.ascontiguousarray(train.data.transpose(0, 3, 1, 2)),
            train_labels=np.asarray(train.targets, dtype=np.int64),
            test_images=np.ascontiguousarray(test.data.transpose(0, 3, 1, 2)),
            test_labels=np.asarray(test.targets, dtype=np.int64),
            classes=tuple(train.classes),
        )

    def _split(self, *, train: bool) -> Any:
        from torchvision.datasets import CIFAR10

        try:
            return CIFAR10(DATA, train=train, download=True)
        except (OSError, RuntimeError) as error:  # no network, a proxy's refusal, a damaged archive, a full disk
            reason = " ".join(str(error).split())
            raise RequestError(
                f"--data cifar10: could not download CIFAR-10 into {DATA}/ ({reason}); "
                "put cifar-10-python.tar.gz there, or give --data digits "
                "or --data FOLDER with train/<class>/* and test/<class>/*"
            ) from None


class Digits:
    """scikit-learn's 1,797 handwritten digits, enlarged from 8×8; a stratified 80/20 split."""

    def manifest(self) -> dict[str, Any]:
        """The data ships with scikit-learn and does not change."""
        return {"kind": "digits", "name": "scikit-learn's handwritten digits, stratified 80/20 split", "files": []}

    def beside(self) -> None:
        """It has no folder of its own."""

    def decode(self) -> Arrays:
        """8×8 grey levels 0…16 → 32×32 RGB, bilinear."""
        from PIL import Image
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        digits = load_digits()
        grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        large = np.stack(
            [np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for image in grey]
        )
        images = np.repeat(large[:, None], 3, axis=1)
        labels = digits.target.astype(np.int64)
        train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=0, stratify=labels)
        return Arrays(
            train_images=images[train],
            train_labels=labels[train],
            test_images=images[test],
            test_labels=labels[test],
            classes=tuple(str(name) for name in digits.target_names),
        )


class ImageFolder:
    """A folder with train/<class>/* and test/<class>/*, classes in the order of their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {split: self._files(split) for split in ("train", "test")}
        train, test = (tuple(self.files[split]) for split in ("train", "test"))
        if train != test:
            different = ", ".join(sorted(set(train) ^ set(test)))
            raise RequestError(
                f"--data {folder}: train and test must have the same classes; they differ in {different}"
            )

    def manifest(self) -> dict[str, Any]:
        """A hash of all names, sizes and times; the encodings found."""
        found = [file for split in self.files.values() for files in split.values() for file in files]
        endings = {os.path.splitext(file.path)[1] for file in found}
        encodings = sorted({ending.lower().lstrip(".").replace("jpg", "jpeg") for ending in endings})
        root = len(str(self.folder))
        listing = hashlib.sha256(repr([(f.path[root:], f.size, f.modified) for f in found]).encode()).hexdigest()
        return {
            "kind": "folder",
            "name": self.folder.name,
            "encodings": encodings,
            "images": len(found),
            "files": listing,
        }

    def beside(self) -> Path:
        """FOLDER.cache"""
        return cache_beside(self.folder.absolute())

    def decode(self) -> Arrays:
        """Every image as RGB, resized bilinearly with antialiasing where it is not 32×32."""
        parts: dict[str, np.ndarray[Any, Any]] = {}
        resized = 0
        for split, classes in self.files.items():
            paths = [Path(file.path) for files in classes.values() for file in files]
            images = np.empty((len(paths), 3, SIDE, SIDE), dtype=np.uint8)
            for index, path in enumerate(paths):
                images[index], size = _read_image(path)
                resized += size != (SIDE, SIDE)
            parts[f"{split}_images"] = images
            counts = [len(files) for files in classes.values()]
            parts[f"{split}_labels"] = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        return Arrays(classes=tuple(self.files["train"]), resized=resized, **parts)

    def _files(self, split: str) -> dict[str, "list[ImageFile]"]:
        root = self.folder / split
        if not root.is_dir():
            raise RequestError(
                f"--data {self.folder}: {split}/ is missing; expected train/<class>/* and test/<class>/*"
            )
        classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
        found = {name: sorted(_images_below(str(root / name)), key=_by_parts) for name in classes}
        empty = [name for name, files in found.items() if not files]
        if empty or not found:
            where = f"class {empty[0]}" if empty else "it"
            raise RequestError(f"--data {self.folder}: {split}/ has no images in {where}; expected {split}/<class>/*")
        return found


SOURCES: dict[str, type[Source]] = {"cifar10": Cifar10, "digits": Digits}


def is_source(request: str) -> bool:
    """Return whether a request for data names a source of the table; else it is a folder's path."""
    return request in SOURCES


def expected_data() -> str:
    """Return what a request for data may be, for help and errors: every source's name, or a folder."""
    return f"{', '.join(SOURCES)} or a folder with train/<class>/* and test/<class>/*"


def check_request(request: str) -> None:
    """Raise RequestError where a request for data is neither a source's name nor a folder that exists."""
    if not is_source(request) and not Path(request).is_dir():
        raise RequestError(f"--data {request}: no such folder; expected {expected_data()}")


def source_named(request: str) -> Source:
    """Return the source of a request for data: a name's, or that of a folder (one called `digits` is `./digits`).

    Raise RequestError where it is neither, or where the folder does not hold what it should.
    """
    check_request(request)
    return SOURCES[request]() if is_source(request) else ImageFolder(Path(request))


class ImageFile(NamedTuple):
    """One image's path, size in bytes and time of change in ns; plain text, since a data set has tens of thousands."""

    path: str
    size: int
    modified: int


def _images_below(folder: str) -> Iterator[ImageFile]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _images_below(entry.path)
        elif entry.name.lower().endswith(EXTENSIONS):
            stat = entry.stat()
            yield ImageFile(entry.path, stat.st_size, stat.st_mtime_ns)


def _by_parts(file: ImageFile) -> list[str]:
    return file.path.split(os.sep)


def _listing(paths: list[Path], root: Path) -> list[list[Any]]:
    stats = [(path, path.stat()) for path in paths]
    return [[str(path.relative_to(root)), stat.st_size, stat.st_mtime_ns] for path, stat in stats]


def _read_image(path: Path) -> tuple[np.ndarray[Any, Any], tuple[int, int]]:
    """uint8 (3, 32, 32), and the size of the file's image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            rgb = image.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise RequestError(f"--data: cannot decode {path}: {' '.join(str(error).split())}") from None
    size = rgb.size
    if size != (SIDE, SIDE):
        rgb = rgb.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(rgb).transpose(2, 0, 1), size
