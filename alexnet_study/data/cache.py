"""Image data as tensors: decoded once to uint8 (N, 3, 32, 32), cached on disk, memory-mapped from then on."""

import dataclasses
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

from alexnet_study.data.arrays import Array, Arrays, Findings, examine
from alexnet_study.data.content import changed_file
from alexnet_study.data.dataset import Dataset, Split
from alexnet_study.data.image_file import TREATMENTS
from alexnet_study.data.sources import source_named
from alexnet_study.errors import RequestError
from alexnet_study.files import TEMPORARY, digest, write_json
from alexnet_study.runs.records import DataSource
from alexnet_study.study.normalisation import ChannelStatistics
from alexnet_study.study.validation import build

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
LEAST = {"classes": 2, "training images": 2, "test images": 4}  # ridge regression needs 2, the alignment of features 4
FORMAT = 2  # raised when the cache's layout or the decoding changes


def load_dataset(name: str, *, cache: Path | None = None, verify: bool = False) -> Dataset:
    """Return the data set of source `name`, from its cache where that is current and whole, else decoded and cached.

    `cache` is the folder to keep it in; by default a folder beside the source, or the user's cache folder where that is
    not writable. A cache is current while names, sizes and times are as they were, and the content of a sample of the
    files, or with `verify` of all of them. Raise RequestError, which says what is wrong, where the source can't be
    used.
    """
    source = source_named(name)
    manifest = {"format": FORMAT, **source.manifest()}
    folders = _cache_folders(source.beside(), name, cache)
    for folder in folders:
        found = _read_cache(folder, manifest, source.files(), verify=verify)
        if found is not None:
            return found
    arrays = source.decode()
    _check_enough(name, arrays)
    findings = examine(arrays)
    for note in [*source.notes(), *_notes(arrays, findings)]:
        print(f"note: --data {name}: {note}", file=sys.stderr)
    for folder in folders:
        try:
            return _write_cache(folder, manifest, arrays, findings)
        except OSError as error:
            if cache is not None:
                raise RequestError(f"--cache {cache}: cannot write there: {error.strerror}") from None
    print(f"note: no cache could be written for {name}; it will be decoded again next time", file=sys.stderr)
    return _dataset(arrays, _hashes(arrays), manifest, findings)


def _check_enough(name: str, arrays: Arrays) -> None:
    """Raise RequestError where the analysis of a trained model could not be computed, so that nothing is trained."""
    counts = {
        "classes": len(arrays.classes),
        "training images": len(arrays.train_labels),
        "test images": len(arrays.test_labels),
    }
    if any(counts[what] < least for what, least in LEAST.items()):
        have, wanted = (", ".join(f"{what}: {count}" for what, count in own.items()) for own in (counts, LEAST))
        raise RequestError(f"--data {name}: too little to analyse: {have}; expected at least {wanted}")


def _notes(arrays: Arrays, findings: Findings) -> list[str]:
    """Return what was done to images, and how many occur twice, a line each."""
    notes = [f"images {TREATMENTS[key]}: {count}" for key, count in arrays.treated.items()]
    if arrays.resized:
        notes.append(f"images that are not 32×32, resized bilinearly: {arrays.resized}")
    if findings.in_both:
        share = f"{findings.in_both} of {len(arrays.test_labels)}"
        notes.append(f"test images that are training images too, to the pixel: {share}")
    if findings.repeated:
        notes.append(f"images that repeat another of their own split, to the pixel: {findings.repeated}")
    return notes


def _cache_folders(beside: Path | None, name: str, cache: Path | None) -> list[Path]:
    """Where to look for the cache and then to write it, best first."""
    tag = f"{Path(name).name}-{hashlib.sha256(str(Path(name).absolute()).encode()).hexdigest()[:12]}"
    if cache is not None:
        return [cache / tag]
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~"), ".cache"))
    own = user / "alexnet_study" / tag
    return [own] if beside is None else [beside, own]


def _read_cache(folder: Path, manifest: dict[str, object], files: list[str], *, verify: bool) -> Dataset | None:
    """The cached data where it belongs to this manifest and every byte is as it was written, else None."""
    try:
        recorded = json.loads((folder / "manifest.json").read_text())
        if recorded["source"] != json.loads(json.dumps(manifest)):
            return None
        arrays = Arrays(
            classes=tuple(recorded["classes"]),
            resized=recorded["resized"],
            treated=recorded["treated"],
            **{part: _map(folder, part) for part in (*PARTS, "digests")},
        )
        findings = _findings(recorded["findings"])
        hashes = _hashes(arrays)
        damaged = [part for part, value in hashes.items() if recorded["hashes"][part] != value]
        damaged += ["digests"] if recorded["digests"] != _hash(arrays.digests) else []
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError):
        damaged = ["its files"]
    if damaged:
        print(f"note: the cache {folder} is damaged ({', '.join(damaged)}); decoding again", file=sys.stderr)
        return None
    changed = changed_file(files, arrays.digests, every=verify)
    if changed is not None:
        print(f"note: {changed} has changed, though not its size and time; decoding again", file=sys.stderr)
        return None
    return _dataset(arrays, hashes, manifest, findings)


def _write_cache(folder: Path, manifest: dict[str, object], arrays: Arrays, findings: Findings) -> Dataset:
    """Write beside `folder`, then rename; of two processes that do so at once, both end with a whole cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    hashes = _hashes(arrays)
    building = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        building.mkdir()
        for part in (*PARTS, "digests"):
            np.save(building / f"{part}.npy", getattr(arrays, part))
        recorded = {
            "source": manifest,
            "classes": arrays.classes,
            "resized": arrays.resized,
            "treated": dict(arrays.treated),
            "findings": dataclasses.asdict(findings),
            "hashes": hashes,
            "digests": _hash(arrays.digests),
        }
        write_json(building / "manifest.json", recorded)
        _replace_folder(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return _read_cache(folder, manifest, [], verify=False) or _dataset(arrays, hashes, manifest, findings)


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


def _map(folder: Path, part: str) -> Array:
    array: Array = np.load(folder / f"{part}.npy", mmap_mode="c", allow_pickle=False)
    return array


def _hashes(arrays: Arrays) -> dict[str, str]:
    return {part: _hash(getattr(arrays, part)) for part in PARTS}


def _hash(array: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _findings(recorded: dict[str, Any]) -> Findings:
    statistics = {name: tuple(map(float, values)) for name, values in recorded["statistics"].items()}
    return Findings(**{**recorded, "statistics": ChannelStatistics(**statistics)})


def _dataset(arrays: Arrays, hashes: dict[str, str], manifest: dict[str, object], findings: Findings) -> Dataset:
    def split(name: str) -> Split:
        images, labels = getattr(arrays, f"{name}_images"), getattr(arrays, f"{name}_labels")
        return Split(images=torch.from_numpy(images), labels=torch.from_numpy(labels))

    described = {key: value for key, value in manifest.items() if key not in ("format", "files")}
    found = {"treated": dict(arrays.treated), "in_both": findings.in_both, "repeated": findings.repeated}
    described |= {"resized": arrays.resized, **found}
    described |= {"channel_mean": findings.statistics.mean, "channel_std": findings.statistics.std}
    content = digest({"classes": arrays.classes, **hashes})
    return Dataset(
        train=split("train"),
        test=split("test"),
        classes=arrays.classes,
        content_hash=content,
        source=build(DataSource, described, "the manifest of the data"),
        statistics=findings.statistics,
    )
