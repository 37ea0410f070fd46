"""What lies in a folder of images: the images of each class, what is left out and why, and what cannot be read."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's ImageFolder's
REASONS = {  # why something is left out, and how a note says so
    "beside": "folders beside train/ and test/",
    "hidden": "hidden",
    "in_no_class": "in no class's folder",
    "of_other_types": "files of types that are not read",
    "linked_again": "folders that are read already, or that hold the link to them",
}
NAMED = 20  # files that one line names at most


class ImageFile(NamedTuple):
    """One image's path, size in bytes and time of change in ns; plain text, since a data set has tens of thousands."""

    path: str
    size: int
    modified: int


class Fault(NamedTuple):
    """A file or folder that cannot be read, and why."""

    path: str
    reason: str


class Listing:
    """The images below a folder, found by one walk of each split; it goes on after a fault, so that all are told.

    left_out: paths by reason, a key of REASONS.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.left_out: dict[str, list[str]] = {reason: [] for reason in REASONS}
        self.faults: list[Fault] = []

    def leave_out_beside(self, splits: tuple[str, ...]) -> None:
        """Leave out the folders that lie beside the splits."""
        entries = self._entries(self.folder)
        self.left_out["beside"] += [e.path for e in entries if e.name not in splits and self._is_folder(e)]

    def classes(self, split: str) -> dict[str, list[ImageFile]]:
        """Return the images of each class of a split, both in the order of their names."""
        found = {}
        for entry in self._entries(os.path.join(self.folder, split)):
            if self._is_folder(entry):
                if not is_text(entry.name):
                    self._fault(entry.path, "its name, a class's, is not UTF-8")
                found[entry.name] = sorted(self._images_of(entry.path), key=_by_parts)
            elif self._is_there(entry):
                self.left_out["in_no_class"].append(entry.path)
        return dict(sorted(found.items()))

    def named(self, paths: Iterable[str]) -> str:
        """Return paths as one line says them: from the folder on, the first 20, and how many more."""
        return self._joined([self._shown(path) for path in paths])

    def named_faults(self, faults: list[Fault]) -> str:
        """Return faults as one line says them."""
        return self._joined([f"{self._shown(fault.path)} ({fault.reason})" for fault in faults])

    def _joined(self, texts: list[str]) -> str:
        more = [f"and {len(texts) - NAMED} more"] if len(texts) > NAMED else []
        return "; ".join(texts[:NAMED] + more)

    def _shown(self, path: str) -> str:
        return one_line(path[len(self.folder) :].lstrip(os.sep))

    def _images_of(self, home: str) -> Iterator[ImageFile]:
        """Yield a class's images: first those below it, then those that links lead to, each folder once."""
        links = [home]
        seen: set[str] = set()
        while links:
            link = links.pop(0)
            real = os.path.realpath(link)
            if _holds(real, os.path.realpath(os.path.dirname(link))):
                self.left_out["linked_again"].append(link)
            else:
                yield from self._images_below(link, real, seen, links)

    def _images_below(self, folder: str, real: str, seen: set[str], links: list[str]) -> Iterator[ImageFile]:
        """Yield the images below a folder, which is `real`ly there, unless `seen`; add the links to folders in it."""
        if real in seen:
            self.left_out["linked_again"].append(folder)
            return
        seen.add(real)
        for entry in sorted(self._entries(folder), key=lambda entry: entry.name):
            if self._is_folder(entry):
                if entry.is_symlink():
                    links.append(entry.path)
                else:
                    yield from self._images_below(entry.path, os.path.join(real, entry.name), seen, links)
            elif self._is_there(entry):
                yield from self._image(entry)

    def _image(self, entry: "os.DirEntry[str]") -> Iterator[ImageFile]:
        if not entry.name.lower().endswith(EXTENSIONS):
            self.left_out["of_other_types"].append(entry.path)
            return
        status = entry.stat()
        if stat.S_ISREG(status.st_mode):
            yield ImageFile(entry.path, status.st_size, status.st_mtime_ns)
        else:
            self._fault(entry.path, "no file but a pipe, a socket or a device")

    def _entries(self, folder: str) -> "list[os.DirEntry[str]]":
        """Return what lies in a folder and isn't hidden."""
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            self._fault(folder, f"a folder that cannot be read: {error.strerror}")
            return []
        self.left_out["hidden"] += [entry.path for entry in entries if is_hidden(entry.name)]
        return [entry for entry in entries if not is_hidden(entry.name)]

    def _is_folder(self, entry: "os.DirEntry[str]") -> bool:
        """Return whether an entry is a folder or a link to one; False where a link leads nowhere."""
        try:
            return entry.is_dir()
        except OSError:
            return False

    def _is_there(self, entry: "os.DirEntry[str]") -> bool:
        """Return whether an entry's own content can be asked for; else it is a fault."""
        try:
            entry.stat()
        except OSError as error:
            reason = f"a link that leads nowhere: {error.strerror}" if entry.is_symlink() else error.strerror
            self._fault(entry.path, reason or "")
            return False
        return True

    def _fault(self, path: str, reason: str) -> None:
        self.faults.append(Fault(path, reason))


def is_hidden(name: str) -> bool:
    """Return whether a name is one that systems and programs keep out of sight, such as `._cat.jpg` or `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def is_text(name: str) -> bool:
    """Return whether a file's name is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def one_line(name: str) -> str:
    """Return a file's name as it can be printed: what isn't UTF-8, or isn't a visible character, as an escape."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _holds(folder: str, other: str) -> bool:
    return other == folder or other.startswith(folder.rstrip(os.sep) + os.sep)


def _by_parts(file: ImageFile) -> list[str]:
    return file.path.split(os.sep)
