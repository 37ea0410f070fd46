"""The run folder, `results/<study>/<variant>/seed-<n>/`: its identity, its provenance, and reading it back.

Runs write a folder and the report reads folders; nothing else passes between them.
"""

import dataclasses
import errno
import json
import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from alexnet_study.config import RunConfig
from alexnet_study.errors import RequestError, RunError
from alexnet_study.files import TEMPORARY, canonical_json, digest, file_digest, write_atomically, write_json

NUMERICS = 1  # raised when a change of code changes the bits of a result
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pillow")
EPOCH_FIGURES = frozenset(
    ("epoch", "train_loss", "train_top1", "train_eval_loss", "train_eval_top1", "train_eval_n")
    + ("test_loss", "test_top1", "test_top3", "seconds", "images_per_second")
)
ARRAY_FILES = ("predictions.npz", "features.npz")


class DamagedRunError(Exception):
    """A run folder's file is not what was written; the message names the file and the damage."""


def identity(run: RunConfig, dataset: str) -> dict[str, Any]:
    """What determines a run's result, in full values, and its hash; `dataset` is the data's content hash.

    The variant's name stands in it for readers but not in the hash. Paths, commit, device and versions are absent.
    """
    recipe = dataclasses.asdict(run.recipe)
    threads = recipe.pop("threads")
    fields = {
        "model": dataclasses.asdict(run.model),
        "recipe": recipe,
        "seed": run.seed,
        "dataset": dataset,
        "threads": threads,
        "numerics": NUMERICS,
    }
    return {"variant": run.variant, **fields, "hash": _identity_hash(fields)}


class RunFolder:
    """One run's folder and the names in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.provenance = path / "provenance.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.pt"
        self.predictions = path / "predictions.npz"
        self.features = path / "features.npz"
        self.summary = path / "summary.json"

    @classmethod
    def of(cls, results: Path, run: RunConfig) -> "RunFolder":
        """The folder of `run` below the root `results`."""
        return cls(results / run.study / run.variant / f"seed-{run.seed}")

    def claim(self, fields: dict[str, Any]) -> None:
        """Make the folder the run's own; RequestError where it belongs to another configuration or can't be written."""
        if self.config.exists():
            self._refuse_other(fields)
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.config, fields)
        except OSError as error:
            if is_full(error):
                raise
            raise RequestError(f"--results: cannot write {self.path}: {error.strerror}") from None

    def _refuse_other(self, fields: dict[str, Any]) -> None:
        try:
            found = self.read_config()["hash"]
        except DamagedRunError:
            found = "unreadable"
        if found != fields["hash"]:
            raise RequestError(
                f"{self.path} holds a run of another configuration (hash {found[:12]}, "
                f"asked for {fields['hash'][:12]}; see config.json): "
                "remove the folder, or give another --results or study name"
            )

    def clean(self) -> None:
        """Remove what a killed attempt left half-written."""
        for leftover in self.path.glob(f".*{TEMPORARY}"):
            leftover.unlink(missing_ok=True)

    def write_metrics(self, records: list[dict[str, Any]]) -> None:
        """All epochs so far, a line each."""
        lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        write_atomically(self.metrics, lines.encode())

    def write_summary(self, figures: dict[str, Any]) -> None:
        """The final figures, the arrays' checksums, and a checksum of its own; its presence means finished."""
        files = {name: file_digest(self.path / name) for name in ARRAY_FILES}
        body = json.loads(canonical_json({**figures, "files": files}))
        write_json(self.summary, {**body, "checksum": digest(body)})

    def read_summary(self, *, arrays: bool = True) -> dict[str, Any] | None:
        """The final figures, None while unfinished; DamagedRunError where a checksum fails (of the arrays too)."""
        if not self.summary.exists():
            return None
        try:
            figures: dict[str, Any] = json.loads(self.summary.read_text())
            right = figures.pop("checksum") == digest(figures)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            right = False
        if not right:
            raise DamagedRunError(f"{self.summary.name} fails its checksum")
        for name, expected in figures["files"].items() if arrays else ():
            if not (self.path / name).is_file() or file_digest(self.path / name) != expected:
                raise DamagedRunError(f"{name} is missing or fails its checksum")
        return figures

    def read_config(self) -> dict[str, Any]:
        """The run's identity; DamagedRunError where it cannot be read or its hash is not its own."""
        config = self._read(self.config)
        if config.get("hash") != _identity_hash(config):
            raise DamagedRunError(f"{self.config.name} fails its hash")
        return config

    def read_provenance(self) -> dict[str, Any]:
        """What is known of how the run came about; DamagedRunError where it cannot be read."""
        provenance = self._read(self.provenance)
        if not isinstance(provenance.get("attempts"), list):
            raise DamagedRunError(f"{self.provenance.name} lists no attempts")
        return provenance

    def read_metrics(self) -> list[dict[str, Any]]:
        """The records of epochs 0, 1, …; DamagedRunError where they cannot be read or one is missing."""
        try:
            records = [json.loads(line) for line in self.metrics.read_text().splitlines()]
            whole = bool(records) and all(r["epoch"] == i and set(r) >= EPOCH_FIGURES for i, r in enumerate(records))
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise DamagedRunError(f"{self.metrics.name} is damaged")
        return records

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            value = json.loads(path.read_text())
        except (OSError, ValueError):
            raise DamagedRunError(f"{path.name} cannot be read") from None
        if not isinstance(value, dict):
            raise DamagedRunError(f"{path.name} holds no mapping")
        return value


class Attempt:
    """This process's entry in `provenance.json`, kept up to date while it works."""

    def __init__(self, folder: RunFolder, *, source: dict[str, Any], device: str, first_epoch: int) -> None:
        self.folder = folder
        earlier = _earlier_attempts(folder)
        now = time.time()
        self.entry: dict[str, Any] = {
            "first_epoch": first_epoch,
            "device": device,
            "host": platform.node(),
            "job": os.environ.get("SLURM_JOB_ID"),
            "start": now,
            "last_heartbeat": now,
            "end": None,
            "cause": None,
        }
        self.record = {
            **_code_state(),
            "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}},
            "device": device,
            "slurm": {name: value for name, value in os.environ.items() if name.startswith("SLURM_")},
            "source": source,
            "attempts": [*earlier, self.entry],
        }
        self.heartbeat()

    def heartbeat(self) -> None:
        """Say that the attempt is alive."""
        self.entry["last_heartbeat"] = time.time()
        self._write()

    def end(self, cause: str) -> None:
        """Say how the attempt ended."""
        self.entry["end"] = self.entry["last_heartbeat"] = time.time()
        self.entry["cause"] = cause
        self._write()

    def _write(self) -> None:
        attempts = self.record["attempts"]
        self.record["device_seconds"] = sum(attempt["last_heartbeat"] - attempt["start"] for attempt in attempts)
        write_json(self.folder.provenance, self.record)


def _identity_hash(fields: dict[str, Any]) -> str:
    return digest({name: value for name, value in fields.items() if name not in ("variant", "hash")})


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def full_disk(error: OSError, folder: RunFolder) -> RunError:
    """The one line that ends a run whose disk is full."""
    return RunError(
        f"{folder.path}: {error.strerror}; free some space and start again, the run goes on from its checkpoint"
    )


def _earlier_attempts(folder: RunFolder) -> list[dict[str, Any]]:
    if not folder.provenance.exists():
        return []
    try:
        attempts: list[dict[str, Any]] = folder.read_provenance()["attempts"]
    except DamagedRunError:
        return []
    for attempt in attempts:
        if attempt["end"] is None:
            attempt["cause"] = "ended without a word"
    return attempts


def _code_state() -> dict[str, Any]:
    """The commit of the code that runs, and whether tracked files differ from it."""
    root = Path(__file__).parent.parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "unknown", "dirty": None}
