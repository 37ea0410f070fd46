"""A folder of image files, `train/<class>/*` and `test/<class>/*`."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from alexnet_study.data.arrays import SIDE, Arrays
from alexnet_study.errors import RequestError
from alexnet_study.files import cache_beside

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's ImageFolder's


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
