"""Image data as tensors: decoded once to uint8 (N, 3, 32, 32), cached on disk, memory-mapped from then on."""

import hashlib
import json
import os
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alexnet_study.data.arrays import Arrays
from alexnet_study.data.dataset import Dataset, Split
from alexnet_study.data.sources import source_named
from alexnet_study.errors import RequestError
from alexnet_study.files import TEMPORARY, digest, write_json

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
FORMAT = 1  # raised when the cache's layout or the decoding changes


def load_dataset(name: str, *, cache: Path | None = None) -> Dataset:
    """The data set of source `name`, from its cache where that is current and whole, else decoded and cached.

    `cache` is the folder to keep it in; by default a folder beside the source, or the user's cache folder where that is
    not writable. RequestError says what is wrong with a source.
    """
    source = source_named(name)
    manifest = {"format": FORMAT, **source.manifest()}
    folders = _cache_folders(source.beside(), name, cache)
    for folder in folders:
        found = _read_cache(folder, manifest)
        if found is not None:
            return found
    arrays = source.decode()
    if arrays.resized:
        print(f"note: {arrays.resized} images of {name} are not 32×32; resized bilinearly", file=sys.stderr)
    for folder in folders:
        try:
            return _write_cache(folder, manifest, arrays)
        except OSError as error:
            if cache is not None:
                raise RequestError(f"--cache {cache}: cannot write there: {error.strerror}") from None
    print(f"note: no cache could be written for {name}; it will be decoded again next time", file=sys.stderr)
    return _dataset(arrays, _hashes(arrays), manifest)


def _cache_folders(beside: Path | None, name: str, cache: Path | None) -> list[Path]:
    """Where to look for the cache and then to write it, best first."""
    tag = f"{Path(name).name}-{hashlib.sha256(str(Path(name).absolute()).encode()).hexdigest()[:12]}"
    if cache is not None:
        return [cache / tag]
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~"), ".cache"))
    own = user / "alexnet_study" / tag
    return [own] if beside is None else [beside, own]


def _read_cache(folder: Path, manifest: dict[str, Any]) -> Dataset | None:
    """The cached data where it belongs to this manifest and every byte is as it was written, else None."""
    try:
        recorded = json.loads((folder / "manifest.json").read_text())
        if recorded["source"] != json.loads(json.dumps(manifest)):
            return None
        parts = {part: _map(folder, part) for part in PARTS}
        arrays = Arrays(classes=tuple(recorded["classes"]), resized=recorded["resized"], **parts)
        hashes = _hashes(arrays)
        damaged = [part for part, value in hashes.items() if recorded["hashes"][part] != value]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError):
        damaged = ["its files"]
    if damaged:
        print(f"note: the cache {folder} is damaged ({', '.join(damaged)}); decoding again", file=sys.stderr)
        return None
    return _dataset(arrays, hashes, manifest)


def _write_cache(folder: Path, manifest: dict[str, Any], arrays: Arrays) -> Dataset:
    """Write beside `folder`, then rename; of two processes that do so at once, both end with a whole cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    hashes = _hashes(arrays)
    building = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        building.mkdir()
        for part in PARTS:
            np.save(building / f"{part}.npy", getattr(arrays, part))
        recorded = {"source": manifest, "classes": arrays.classes, "resized": arrays.resized, "hashes": hashes}
        write_json(building / "manifest.json", recorded)
        _replace_folder(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return _read_cache(folder, manifest) or _dataset(arrays, hashes, manifest)


def _replace_folder(new: Path, folder: Path) -> None:
    """Put `new` at `folder`; what lay there goes, though processes that mapped its files keep them."""
    aside = new.with_name(new.name + ".old")
    for _ in range(10):
        try:
            os.rename(new, folder)
            return
        except OSError:  # another cache lies there: it is stale or damaged, or was built at the same moment
            try:
                os.rename(folder, aside)
            except FileNotFoundError:
                continue
            shutil.rmtree(aside, ignore_errors=True)
    raise OSError(None, "another process keeps writing it")


def _map(folder: Path, part: str) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = np.load(folder / f"{part}.npy", mmap_mode="c", allow_pickle=False)
    return array


def _hashes(arrays: Arrays) -> dict[str, str]:
    return {part: hashlib.sha256(np.ascontiguousarray(getattr(arrays, part)).data).hexdigest() for part in PARTS}


def _dataset(arrays: Arrays, hashes: dict[str, str], manifest: dict[str, Any]) -> Dataset:
    def split(name: str) -> Split:
        images, labels = getattr(arrays, f"{name}_images"), getattr(arrays, f"{name}_labels")
        return Split(images=torch.from_numpy(images), labels=torch.from_numpy(labels))

    described = {key: value for key, value in manifest.items() if key not in ("format", "files")}
    described["resized"] = arrays.resized
    content = digest({"classes": arrays.classes, **hashes})
    return Dataset(
        train=split("train"), test=split("test"), classes=arrays.classes, content_hash=content, source=described
    )
