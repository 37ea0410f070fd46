"""One process's attempt at a run: its entry in `provenance.json`, refreshed by a thread while it works.

A run knows of the cluster what the environment of its process says.
"""

import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

from alexnet_study.errors import DamagedRunError, LostGpuError, ReplacedError, StoppedError
from alexnet_study.provenance import code_state
from alexnet_study.runs.fencing import BEAT_SECONDS, REPLACED, Token
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import INTERRUPTED, Interruption

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pillow")


class Attempt:
    """This process's entry among the attempts at the run whose folder it holds.

    `described` goes into the provenance as it is. `progress` returns `{epoch, epochs, step, steps, images_per_second}`,
    epoch and step from 0 being the next to do; the heartbeat's thread calls it.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        replaced: list[Token],
        described: dict[str, Any],
        progress: Callable[[], dict[str, Any]],
        interruption: Interruption,
    ) -> None:
        self.folder, self.progress, self.interruption = folder, progress, interruption
        self._superseded = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        now = time.time()
        self.entry: dict[str, Any] = {
            "token": str(folder.fence.token),
            **whereabouts(),
            "device": described["device"],
            "start": now,
            "last_heartbeat": now,
            "end": None,
            "cause": None,
            "progress": progress(),
        }
        self.entry["first_epoch"] = self.entry["progress"]["epoch"]
        attempts = [*earlier_attempts(folder, replaced), self.entry]
        self.record = {
            **code_state().record(),
            "versions": versions(),
            **described,
            "slurm": slurm(),
            "attempts": attempts,
        }
        self._write()
        threading.Thread(target=self._stay_alive, name="heartbeat", daemon=True).start()

    @property
    def due(self) -> bool:
        """Whether to write a checkpoint and end: a signal came, or a newer attempt waits for this one."""
        return self._superseded or self.interruption.cause is not None

    def describe(self, **more: Any) -> None:
        """Add to the run's provenance, which is written with the next heartbeat."""
        with self._lock:
            self.record |= more

    def check(self) -> None:
        """End, if that is due: ReplacedError or StoppedError."""
        if self._superseded:
            raise ReplacedError(REPLACED)
        self.interruption.check()

    def end(self, cause: str) -> None:
        """Say how the attempt ended; ReplacedError where the folder is no longer this process's."""
        self._over.set()
        with self._lock:
            self.entry |= {"end": time.time(), "cause": cause}
            self._write()

    def end_by(self, error: BaseException) -> None:
        """Say what ended the attempt, if that can still be written."""
        try:
            self.end(_cause(error))
        except ReplacedError:
            return  # the newer attempt has written it
        except OSError as second:  # the full disk that ended the attempt
            print(f"note: {self.folder.provenance}: {second.strerror}", file=sys.stderr)

    def _stay_alive(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                self.folder.fence.beat()
                self._superseded = self.folder.fence.superseded()
                with self._lock:
                    if not self._over.is_set():
                        self._write()
            except ReplacedError:
                self._superseded = True
                return
            except OSError:
                continue  # a full disk, a server out of reach: what the run itself writes will tell

    def _write(self) -> None:
        self.entry |= {"last_heartbeat": time.time(), "progress": self.progress()}
        attempts = self.record["attempts"]
        self.record["device_seconds"] = sum(attempt["last_heartbeat"] - attempt["start"] for attempt in attempts)
        self.folder.write_json(self.folder.provenance, self.record)


def _cause(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    own = isinstance(error, StoppedError | ReplacedError | LostGpuError)
    return str(error) if own else f"{type(error).__name__}: {error}".strip(": ").splitlines()[0]


def job_and_restart() -> tuple[str, int]:
    """The SLURM job as squeue shows it (`12_3` for an array's task) and its restart count; else host and process."""
    environ = os.environ
    job = environ.get("SLURM_JOB_ID")
    if job is None:
        return f"{platform.node()}-{os.getpid()}", 0
    array, task = environ.get("SLURM_ARRAY_JOB_ID"), environ.get("SLURM_ARRAY_TASK_ID")
    restart = environ.get("SLURM_RESTART_COUNT", "0")
    return f"{array}_{task}" if array and task else job, int(restart) if restart.isdigit() else 0


def whereabouts() -> dict[str, Any]:
    """Job, restart count, node and GPUs (as CUDA_VISIBLE_DEVICES names them), None where there are none."""
    job, restart = job_and_restart()
    environ, host = os.environ, platform.node()
    return {
        "job": job if "SLURM_JOB_ID" in environ else None,
        "restart": restart,
        "host": host,
        "node": environ.get("SLURMD_NODENAME", host),
        "gpu": environ.get("CUDA_VISIBLE_DEVICES"),
    }


def earlier_attempts(folder: RunFolder, replaced: list[Token]) -> list[dict[str, Any]]:
    """The attempts recorded so far; those of no recorded end get a cause, `replaced` being those that still lived."""
    if not folder.provenance.exists():
        return []
    try:
        attempts: list[dict[str, Any]] = folder.read_provenance()["attempts"]
    except DamagedRunError:
        return []
    alive = {str(token) for token in replaced}
    for attempt in attempts:
        if attempt["cause"] is None:
            attempt["cause"] = REPLACED if attempt["token"] in alive else "ended without a word"
    return attempts


def close_finished(folder: RunFolder, replaced: list[Token]) -> None:
    """Do what an attempt that wrote the summary was about to do when it died."""
    attempts = earlier_attempts(folder, replaced)
    if attempts and attempts[-1]["end"] is None:
        attempts[-1] |= {"end": attempts[-1]["last_heartbeat"], "cause": "finished"}
        folder.write_json(folder.provenance, {**folder.read_provenance(), "attempts": attempts})
    folder.drop(folder.checkpoint)


def versions() -> dict[str, str]:
    """Python's and the packages' that a result may depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def slurm() -> dict[str, str]:
    """SLURM's description of the job."""
    return {name: value for name, value in os.environ.items() if name.startswith("SLURM_")}
