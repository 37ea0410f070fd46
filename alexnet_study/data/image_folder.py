"""A folder of image files, `train/<class>/*` and `test/<class>/*`."""

import collections
import hashlib
import os
import unicodedata
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from alexnet_study.data.arrays import SIDE, Array, Arrays
from alexnet_study.data.content import DIGEST_BYTES, content_digest
from alexnet_study.data.image_file import Decoded, decode_image
from alexnet_study.data.image_listing import (
    EXTENSIONS,
    NAMED,
    REASONS,
    Fault,
    ImageFile,
    Listing,
    is_hidden,
    is_text,
    one_line,
)
from alexnet_study.data.progress import shown_progress
from alexnet_study.errors import RequestError
from alexnet_study.files import cache_beside

SPLITS = ("train", "test")


class ImageFolder:
    """A folder with train/<class>/* and test/<class>/*, classes in the order of their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = os.path.basename(os.path.abspath(folder))
        self.listing = Listing(folder)
        if not is_text(str(folder)):
            raise self._refusal("the folder's name is not UTF-8; rename it")
        self._check_splits()
        self.listing.leave_out_beside(SPLITS)
        self.classes = {split: self.listing.classes(split) for split in SPLITS}
        if self.listing.faults:
            raise self._refusal_of(self.listing.faults)
        self._check_classes()

    def manifest(self) -> dict[str, object]:
        """Return a hash of all names, sizes and times; the encodings found; how much is left out, by reason."""
        found = self._found()
        endings = {os.path.splitext(file.path)[1] for file in found}
        encodings = sorted({ending.lower().lstrip(".").replace("jpg", "jpeg") for ending in endings})
        root = len(str(self.folder))
        listing = hashlib.sha256(repr([(f.path[root:], f.size, f.modified) for f in found]).encode()).hexdigest()
        left_out = {reason: len(paths) for reason, paths in self.listing.left_out.items() if paths}
        return {
            "kind": "folder",
            "name": self.name,
            "encodings": encodings,
            "images": len(found),
            "files": listing,
            **({"left_out": left_out} if left_out else {}),
        }

    def files(self) -> list[str]:
        """Return the images' paths, training images first."""
        return [file.path for file in self._found()]

    def notes(self) -> list[str]:
        """Return a line for each reason why something was left out."""
        return [
            f"left out, {REASONS[reason]}: {len(paths)}{self._details(reason, paths)}"
            for reason, paths in self.listing.left_out.items()
            if paths
        ]

    def _details(self, reason: str, paths: list[str]) -> str:
        """Return which paths were left out; those that are hidden, nobody asks for."""
        if reason == "hidden":
            return ""
        named = f" ({self.listing.named(sorted(paths))})"
        if reason == "of_other_types":
            return f", {', '.join(_endings(paths)[:NAMED])}; read are {', '.join(EXTENSIONS)}{named}"
        return named

    def beside(self) -> Path:
        """Return FOLDER.cache."""
        return cache_beside(self.folder.absolute())

    def decode(self) -> Arrays:
        """Return every image as RGB, resized to 32×32; raise RequestError, which names all that cannot be decoded."""
        files = self._found()
        images = np.empty((len(files), 3, SIDE, SIDE), dtype=np.uint8)
        digests = np.empty((len(files), DIGEST_BYTES), dtype=np.uint8)
        treated: collections.Counter[str] = collections.Counter()
        resized, faults = 0, []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd metadata, would not name the file
            for index, file in enumerate(shown_progress(files, f"decoding {self.folder}")):
                decoded = _decode(file, digests[index])
                if isinstance(decoded, Fault):
                    faults.append(decoded)
                    continue
                images[index] = decoded.pixels
                resized += decoded.resized
                treated.update(decoded.treatments)
        if faults:
            raise self._refusal_of(faults)
        return self._arrays(images, digests, resized=resized, treated=dict(sorted(treated.items())))

    def _arrays(self, images: Array, digests: Array, **counts: Any) -> Arrays:
        sizes = {split: [len(files) for files in classes.values()] for split, classes in self.classes.items()}
        labels = {split: np.repeat(np.arange(len(own), dtype=np.int64), own) for split, own in sizes.items()}
        train = len(labels["train"])
        return Arrays(
            train_images=images[:train],
            train_labels=labels["train"],
            test_images=images[train:],
            test_labels=labels["test"],
            classes=tuple(self.classes["train"]),
            digests=digests,
            **counts,
        )

    def _found(self) -> list[ImageFile]:
        return [file for classes in self.classes.values() for files in classes.values() for file in files]

    def _check_splits(self) -> None:
        """Raise RequestError, which says what lies there instead, where train/ or test/ is missing."""
        missing = [split for split in SPLITS if not os.path.isdir(self.folder / split)]
        if not missing:
            return
        try:
            entries = [entry for entry in os.scandir(self.folder) if not is_hidden(entry.name)]
        except OSError as error:
            raise self._refusal(f"cannot be read: {error.strerror}") from None
        found = sorted(one_line(entry.name) + "/" * os.path.isdir(entry.path) for entry in entries)
        there = f"there is {', '.join(found[:NAMED])}" if found else "the folder is empty"
        inner = [entry.path for entry in entries if os.path.isdir(os.path.join(entry.path, "train"))]
        hint = f"; did you mean {one_line(inner[0])}?" if len(inner) == 1 else ""
        present = [split for split in SPLITS if split not in missing]
        told = [f"{split}/ is missing" for split in missing]
        told += [f"{split}/ has no images in it" for split in present if not os.listdir(self.folder / split)]
        raise self._refusal(f"{'; '.join(told)}; expected train/<class>/* and test/<class>/*; {there}{hint}")

    def _check_classes(self) -> None:
        """Raise RequestError where a class has no images, or the splits have different classes."""
        for split, classes in self.classes.items():
            empty = [one_line(name) for name, files in classes.items() if not files]
            if empty or not classes:
                where = f"class {', '.join(empty[:NAMED])}" if empty else "it"
                why = "; ".join(["", *self.notes()])
                raise self._refusal(f"{split}/ has no images in {where}; expected {split}/<class>/*{why}")
        train, test = (set(self.classes[split]) for split in SPLITS)
        if train != test:
            different = sorted(train ^ test)
            told = [f"{one_line(name)} (only in {'train' if name in train else 'test'})" for name in different]
            hint = ""
            if {unicodedata.normalize("NFC", name) for name in train} == {
                unicodedata.normalize("NFC", name) for name in test
            }:
                hint = "; these are the same names in different Unicode forms, NFC and NFD"
            raise self._refusal(
                f"train and test must have the same classes; they differ in {', '.join(told[:NAMED])}{hint}"
            )

    def _refusal(self, reason: str) -> RequestError:
        return RequestError(f"--data {one_line(str(self.folder))}: {reason}")

    def _refusal_of(self, faults: list[Fault]) -> RequestError:
        count = "1 file or folder" if len(faults) == 1 else f"{len(faults)} files or folders"
        return self._refusal(f"cannot read {count}; mend or remove: {self.listing.named_faults(faults)}")


def _decode(file: ImageFile, digest: Array) -> Decoded | Fault:
    """Return a file's image, and its content's digest in `digest`; a Fault where there is none."""
    from PIL import UnidentifiedImageError

    try:
        content = Path(file.path).read_bytes()
        digest[:] = content_digest(content)
        return decode_image(content)
    except UnidentifiedImageError:
        return Fault(file.path, "no image of a known kind" if content else "empty")
    except Exception as error:  # a decoder may raise anything on a damaged file, which is that file's fault
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Fault(file.path, " ".join(reason.split()) or type(error).__name__)


def _endings(paths: list[str]) -> list[str]:
    """Return how many paths have each ending, the commonest first."""
    counts = collections.Counter(os.path.splitext(path)[1].lower() for path in paths)
    return [
        f"{count} {one_line(ending) or 'without an ending'}"
        for ending, count in sorted(counts.items(), key=lambda item: (-item[1], item[0] or "~"))
    ]
