"""The run folder, `results/<study>/<variant>/seed-<n>/`: the names in it, writing it while it is held, reading it back.

Runs write a folder and the report reads folders; nothing else passes between them.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alexnet_study.errors import DamagedRunError, RequestError, RunError
from alexnet_study.files import canonical_json, digest, file_digest, indented_json, is_full
from alexnet_study.runs.fencing import Fence, Token, staging_folders
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import identity_hash

EPOCH_FIGURES = frozenset(
    ("epoch", "train_loss", "train_top1", "train_eval_loss", "train_eval_top1", "train_eval_n")
    + ("test_loss", "test_top1", "test_top3", "seconds", "images_per_second")
)
ARRAY_FILES = ("predictions.npz", "features.npz")


class RunFolder:
    """One run's folder and the names in it. It is written to only inside `held`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fence: Fence | None = None
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

    @contextmanager
    def held(self, *, job: str, restart: int) -> Iterator[list[Token]]:
        """Hold the folder as the newest attempt, from when no older one can write any more; yields those still alive.

        RequestError where the folder can't be written; ReplacedError where a newer attempt is seen to live.
        """
        try:
            self._fence = fence = Fence(self.path, job=job, restart=restart)
        except OSError as error:
            if is_full(error):
                raise
            raise RequestError(
                f"--results: cannot write {self.path}: {error.strerror}; expected a folder that user {os.getuid()} can "
                'write (in Docker, --user "$(id -u):$(id -g)" is you)'
            ) from None
        try:
            yield fence.take_over()
        finally:
            fence.release()
            self._fence = None

    @property
    def fence(self) -> Fence:
        """What a writer goes through; only inside `held`."""
        if self._fence is None:
            raise RuntimeError(f"{self.path} is written to without being held")
        return self._fence

    def refuse_other(self, fields: dict[str, Any]) -> None:
        """RequestError where the folder belongs to another configuration than `fields`, an identity."""
        if not self.config.exists():
            return
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

    def claim(self, fields: dict[str, Any]) -> None:
        """Make the held folder the run's own."""
        self.refuse_other(fields)
        if not self.config.exists():
            self.write_json(self.config, fields)

    def is_closed(self) -> bool:
        """Whether no attempt holds the folder, and none died before it dropped its checkpoint."""
        return not self.checkpoint.exists() and not staging_folders(self.path)

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Write one of the folder's files; ReplacedError where a newer attempt holds the folder."""
        self.fence.write(path, content)

    def write_json(self, path: Path, value: object) -> None:
        """Write one of the folder's files as JSON."""
        self.write(path, indented_json(value))

    def drop(self, path: Path) -> None:
        """Remove one of the folder's files, if it is there."""
        self.fence.drop(path)

    def write_metrics(self, records: list[dict[str, Any]]) -> None:
        """All epochs so far, a line each."""
        lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        self.write(self.metrics, lines.encode())

    def write_summary(self, figures: dict[str, Any]) -> None:
        """The final figures, the arrays' checksums, and a checksum of its own; its presence means finished."""
        files = {name: file_digest(self.path / name) for name in ARRAY_FILES}
        body = json.loads(canonical_json({**figures, "files": files}))
        self.write_json(self.summary, {**body, "checksum": digest(body)})

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

    def is_finished(self, *, arrays: bool = True) -> bool:
        """Return whether the run is finished: its summary, and with `arrays` its arrays, are there and undamaged.

        Of a damaged folder only a new attempt can make something, so it counts as unfinished.
        """
        try:
            return self.read_summary(arrays=arrays) is not None
        except DamagedRunError:
            return False

    def read_config(self) -> dict[str, Any]:
        """The run's identity; DamagedRunError where it cannot be read or its hash is not its own."""
        config = self._read(self.config)
        if config.get("hash") != identity_hash(config):
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


def full_disk(error: OSError, folder: RunFolder) -> RunError:
    """The one line that ends a run whose disk is full."""
    return RunError(
        f"{folder.path}: {error.strerror}; free some space and start again, the run goes on from its checkpoint"
    )
