"""Files that are whole or absent: written under a temporary name, synced, renamed, the folder synced."""

import errno
import hashlib
import json
import os
import uuid
from pathlib import Path

UMASK = "ALEXNET_STUDY_UMASK"  # in a container, which has one of its own, the host side's, in octal digits
TEMPORARY = ".tmp"  # what a killed process leaves under this ending is worth nothing


def write_atomically(path: Path, content: bytes | memoryview, *, staging: Path | None = None) -> None:
    """Write `content` in `staging` (the folder of `path`), then rename it to `path`; on an error nothing is left."""
    if staging is None:
        staging = path.parent
        staging.mkdir(parents=True, exist_ok=True)
    temporary = staging / f".{path.name}.{uuid.uuid4().hex}{TEMPORARY}"
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            written = os.fstat(file.fileno())
        _replace(temporary, path, written)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _replace(source: Path, target: Path, written: os.stat_result) -> None:
    """Rename; a network file system may do it, lose the reply, and find no source when it asks again."""
    try:
        os.replace(source, target)
    except FileNotFoundError:
        if not target.exists() or not os.path.samestat(target.stat(), written):
            raise


def cache_beside(folder: Path) -> Path:
    """Where the decoded images of a folder are kept, if they can be: FOLDER.cache"""
    return folder.with_name(folder.name + ".cache")


def write_json(path: Path, value: object) -> None:
    """`value` as indented JSON; NaN is refused, since JSON has none."""
    write_atomically(path, indented_json(value))


def indented_json(value: object) -> bytes:
    """A value as files show it to readers: indented, a list or mapping of plain values on one line."""
    return (_indented(value, "\n") + "\n").encode()


def _indented(value: object, line: str) -> str:
    """`value` as JSON; `line` is the line break, with its indentation, that its closing bracket stands behind."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    if not any(isinstance(item, dict | list | tuple) and item for item in items):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = line + " "
    if isinstance(value, dict):
        parts = [f"{_indented(str(key), inner)}: {_indented(item, inner)}" for key, item in value.items()]
        return "{" + inner + f",{inner}".join(parts) + line + "}"
    return "[" + inner + f",{inner}".join(_indented(item, inner) for item in items) + line + "]"


def canonical_json(value: object) -> bytes:
    """One byte string for one value: sorted keys, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: object) -> str:
    """SHA-256 of a JSON value's canonical form, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
