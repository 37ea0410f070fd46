"""The run folder, `results/<study>/<variant>/seed-<n>/`: the names in it, writing it while it is held, reading it back.

Runs write a folder and the report reads folders; nothing else passes between them.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from alexnet_study.errors import DamagedRunError, RequestError, RunError
from alexnet_study.files import canonical_json, digest, file_digest, indented_json, is_full
from alexnet_study.runs.fencing import Fence, Token, staging_folders
from alexnet_study.runs.records import EpochRecord, Provenance, Summary, as_json, parse
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import Identity, differences, identity_hash, parse_identity
from alexnet_study.study.validation import without_unknown

ARRAY_FILES = ("predictions.npz", "features.npz")
SEAL = re.compile(rb'"checksum": "[0-9a-f]{64}"\s*\}\s*\Z')  # how a whole summary.json ends
SEAL_BYTES = 128


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
        self.model = path / "model.safetensors"
        self.summary = path / "summary.json"

    @classmethod
    def of(cls, results: Path, run: RunConfig) -> "RunFolder":
        """Return the folder of `run` below the root `results`."""
        return cls.at(results, run.study, run.variant, run.seed)

    @classmethod
    def at(cls, results: Path, study: str, variant: str, seed: int) -> "RunFolder":
        """Return the folder of a run, known by its names, below the root `results`."""
        return cls(results / study / variant / f"seed-{seed}")

    @contextmanager
    def held(self, *, job: str, restart: int) -> Iterator[list[Token]]:
        """Hold the folder as the newest attempt, from when no older one can write any more; yield those still alive.

        Raise RequestError if the folder can't be written, ReplacedError if a newer attempt is seen to live.
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
        """Return what a writer goes through; only inside `held`."""
        if self._fence is None:
            raise RuntimeError(f"{self.path} is written to without being held")
        return self._fence

    def refuse_other(self, own: Identity) -> None:
        """Raise RequestError if the folder belongs to another configuration than `own`."""
        if not self.config.exists() or self._says(self.config, indented_json(own.as_json())):
            return
        try:
            found = self.read_config()
            different = differences(found, own) if found.hash != own.hash else []
        except DamagedRunError as error:
            different = [str(error)]
        if different:
            raise RequestError(
                f"{self.path} holds a run of another configuration ({'; '.join(different)}): "
                "remove the folder, or give another --results or study name"
            )

    def claim(self, own: Identity) -> None:
        """Make the held folder that of the run whose identity is `own`; raise RequestError if it is another's."""
        self.refuse_other(own)
        if not self.config.exists():
            self.write_json(self.config, own.as_json())

    def check_name(self, seed: int) -> None:
        """Raise DamagedRunError if the folder isn't called as that of a run of `seed`: a copy, say, beside it."""
        name = f"seed-{seed}"
        if self.path.absolute().name != name:
            raise DamagedRunError(f"a run of seed {seed}; expected its folder to be called {name}")

    def is_closed(self) -> bool:
        """Return whether no attempt holds the folder, and none died before it dropped its checkpoint."""
        return not self.checkpoint.exists() and not staging_folders(self.path)

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Write one of the folder's files; raise ReplacedError if a newer attempt holds the folder."""
        self.fence.write(path, content)

    def write_json(self, path: Path, value: object) -> None:
        """Write one of the folder's files as JSON."""
        self.write(path, indented_json(value))

    def drop(self, path: Path) -> None:
        """Remove one of the folder's files, if it is there."""
        self.fence.drop(path)

    def write_metrics(self, records: Sequence[EpochRecord]) -> None:
        """Write all epochs so far, a line each."""
        lines = "".join(json.dumps(as_json(record), allow_nan=False) + "\n" for record in records)
        self.write(self.metrics, lines.encode())

    def write_provenance(self, provenance: Provenance) -> None:
        """Write how the run came about so far."""
        self.write_json(self.provenance, as_json(provenance))

    def write_summary(self, summary: Summary) -> Summary:
        """Write the final figures with the arrays' checksums and one of its own; return them with those of the arrays.

        Arrays that the study doesn't keep are absent. The file's presence means finished.
        """
        kept = [name for name in ARRAY_FILES if (self.path / name).exists()]
        whole = replace(summary, files={name: file_digest(self.path / name) for name in kept})
        body = json.loads(canonical_json(as_json(whole)))
        self.write_json(self.summary, {**body, "checksum": digest(body)})
        return whole

    def read_summary(self, *, arrays: bool = True) -> Summary | None:
        """Return the final figures, None while the run is unfinished.

        Raise DamagedRunError if they are not what was written or, with `arrays`, if the arrays are not. What a younger
        version wrote beside them is passed over: the run is finished all the same, and its file stays as it is.
        """
        if not self.summary.exists():
            return None
        try:
            content = json.loads(self.summary.read_text())
            right = content.pop("checksum") == digest(content)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            right = False
        if not right:
            raise DamagedRunError(f"{self.summary.name} fails its checksum")
        summary = parse(Summary, without_unknown(Summary, content), self.summary.name)
        for name, expected in summary.files.items() if arrays else ():
            if not (self.path / name).is_file() or file_digest(self.path / name) != expected:
                raise DamagedRunError(f"{name} is missing or fails its checksum")
        return summary

    def finished(self, *, arrays: bool = True) -> Summary | None:
        """Return the final figures if the run is finished: if these, and with `arrays` the arrays, are undamaged.

        Of a damaged folder only a new attempt can make something, so it counts as unfinished.
        """
        try:
            return self.read_summary(arrays=arrays)
        except DamagedRunError:
            return None

    def is_finished(self, *, arrays: bool = True) -> bool:
        """Return whether the run is finished, as `finished` understands it."""
        return self.finished(arrays=arrays) is not None

    def looks_finished(self, arrays: Collection[str] = ()) -> bool:
        """Return whether the run is finished, of which the signs are enough: thousands are told without being read.

        The signs: summary.json ends as it was written, and each of `arrays`, files of the folder, is there and no
        younger. Where one is missing everything is read. Damage that leaves a file's time as it was is not seen.
        """
        return self._is_sealed(arrays) or self.is_finished(arrays=bool(arrays))

    def read_config(self) -> Identity:
        """Return the run's identity; raise DamagedRunError if it cannot be read or its hash is not its own."""
        content = self._read(self.config)
        if content.get("hash") != identity_hash(content):
            raise DamagedRunError(f"{self.config.name} fails its hash")
        try:
            return parse_identity(content, self.config.name)
        except RequestError as error:
            raise DamagedRunError(str(error)) from None

    def read_provenance(self) -> Provenance:
        """Return how the run came about; raise DamagedRunError if that cannot be read."""
        return parse(Provenance, self._read(self.provenance), self.provenance.name)

    def read_metrics(self) -> tuple[EpochRecord, ...]:
        """Return the records of epochs 0, 1, …; raise DamagedRunError if they cannot be read or one is missing."""
        try:
            lines = [json.loads(line) for line in self.metrics.read_text().splitlines()]
        except (OSError, ValueError):
            lines = []
        records = tuple(parse(EpochRecord, line, self.metrics.name) for line in lines)
        if not records or any(record.epoch != number for number, record in enumerate(records)):
            raise DamagedRunError(f"{self.metrics.name} is damaged")
        return records

    def _is_sealed(self, arrays: Collection[str]) -> bool:
        try:
            with self.summary.open("rb") as file:
                written = os.fstat(file.fileno())
                file.seek(max(0, written.st_size - SEAL_BYTES))
                whole = SEAL.search(file.read()) is not None
            return whole and all((self.path / name).stat().st_mtime_ns <= written.st_mtime_ns for name in arrays)
        except OSError:
            return False

    def _says(self, path: Path, content: bytes) -> bool:
        try:
            return path.read_bytes() == content
        except OSError:
            return False

    def _read(self, path: Path) -> dict[str, object]:
        try:
            value = json.loads(path.read_text())
        except (OSError, ValueError):
            raise DamagedRunError(f"{path.name} cannot be read") from None
        if not isinstance(value, dict):
            raise DamagedRunError(f"{path.name} holds no mapping")
        return value


def full_disk(error: OSError, folder: RunFolder) -> RunError:
    """Return the error, one line, that ends a run whose disk is full."""
    return RunError(
        f"{folder.path}: {error.strerror}; free some space and start again, the run goes on from its checkpoint"
    )
