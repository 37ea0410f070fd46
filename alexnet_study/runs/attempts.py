"""One process's attempt at a run: its entry in `provenance.json`, refreshed by a thread while it works.

A run knows of the cluster what the environment of its process says.
"""

import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata

from alexnet_study.errors import DamagedRunError, LostGpuError, ReplacedError, StoppedError
from alexnet_study.provenance import code_state
from alexnet_study.runs.fencing import BEAT_SECONDS, REPLACED, Token
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import INTERRUPTED, Interruption
from alexnet_study.runs.records import Attempt, DataSource, Origin, Progress, Provenance

JOB_START = "ALEXNET_STUDY_JOB_START"  # seconds since 1970, exported by batch scripts
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pillow")


class OngoingAttempt:
    """This process's entry, the last, among the attempts at the run whose folder it holds.

    origins: where the run was trained so far, here included. source: of the images. `progress` returns how far the
    attempt is; the heartbeat's thread calls it.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        replaced: Sequence[Token],
        device: str,
        source: DataSource,
        origins: tuple[Origin, ...],
        progress: Callable[[], Progress],
        interruption: Interruption,
    ) -> None:
        self.folder, self.progress, self.interruption = folder, progress, interruption
        self._superseded = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        code = code_state()
        self.provenance = Provenance(
            commit=code.commit,
            dirty=code.dirty,
            image=code.image,
            constraints=code.constraints,
            versions=versions(),
            device=device,
            source=source,
            bit_exact=len(origins) == 1,
            origins=origins,
            slurm=slurm(),
            attempts=(*earlier_attempts(folder, replaced), starting(str(folder.fence.token), device, progress())),
            device_seconds=0.0,
        )
        self._write(self.entry)
        self._heart = threading.Thread(target=self._stay_alive, name="heartbeat", daemon=True)
        self._heart.start()

    @property
    def entry(self) -> Attempt:
        """Return what the run's provenance says of this attempt."""
        return self.provenance.attempts[-1]

    @property
    def due(self) -> bool:
        """Return whether to write a checkpoint and end: a signal came, or a newer attempt waits for this one."""
        return self._superseded or self.interruption.cause is not None

    def describe(self, *, steps: str) -> None:
        """Add to the run's provenance how it takes its steps; that is written with the next heartbeat."""
        with self._lock:
            self.provenance = replace(self.provenance, steps=steps)

    def check(self) -> None:
        """Raise ReplacedError or StoppedError if the attempt is due to end."""
        if self._superseded:
            raise ReplacedError(REPLACED)
        self.interruption.check()

    def end(self, cause: str) -> None:
        """Say how the attempt ended; raise ReplacedError if the folder is no longer this process's.

        The heartbeat's thread is over then. It refers to the training state: one that freed its tensors while Python
        shuts down would abort the process, and the exit code of a run to be started again would be lost.
        """
        self._over.set()
        self._heart.join()  # what it may wait for, the folder's file system, the next line waits for too
        with self._lock:
            self._write(replace(self.entry, end=time.time(), cause=cause))

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
                        self._write(self.entry)
            except ReplacedError:
                self._superseded = True
                return
            except OSError:
                continue  # a full disk, a server out of reach: what the run itself writes will tell

    def _write(self, entry: Attempt) -> None:
        entry = replace(entry, last_heartbeat=time.time(), progress=self.progress())
        attempts = (*self.provenance.attempts[:-1], entry)
        seconds = sum(attempt.seconds for attempt in attempts)
        self.provenance = replace(self.provenance, attempts=attempts, device_seconds=seconds)
        self.folder.write_provenance(self.provenance)


def _cause(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    own = isinstance(error, StoppedError | ReplacedError | LostGpuError)
    return str(error) if own else f"{type(error).__name__}: {error}".strip(": ").splitlines()[0]


def job_and_restart() -> tuple[str, int]:
    """Return the SLURM job as squeue shows it (`12_3` for an array's task) and its restart count.

    Outside a job these are host and process, and 0.
    """
    environ = os.environ
    job = environ.get("SLURM_JOB_ID")
    if job is None:
        return f"{platform.node()}-{os.getpid()}", 0
    array, task = environ.get("SLURM_ARRAY_JOB_ID"), environ.get("SLURM_ARRAY_TASK_ID")
    restart = environ.get("SLURM_RESTART_COUNT", "0")
    return f"{array}_{task}" if array and task else job, int(restart) if restart.isdigit() else 0


def starting(token: str, device: str, progress: Progress) -> Attempt:
    """Return the entry of an attempt that starts now: its job, restart count, node and GPUs are the environment's.

    GPUs are named as by CUDA_VISIBLE_DEVICES; what the environment doesn't tell is None.
    """
    job, restart = job_and_restart()
    environ, host, now = os.environ, platform.node(), time.time()
    return Attempt(
        token=token,
        job=job if "SLURM_JOB_ID" in environ else None,
        restart=restart,
        host=host,
        node=environ.get("SLURMD_NODENAME", host),
        gpu=environ.get("CUDA_VISIBLE_DEVICES"),
        device=device,
        start=now,
        last_heartbeat=now,
        end=None,
        cause=None,
        progress=progress,
        first_epoch=progress.epoch,
        first_step=progress.step,
        job_start=_job_start(environ.get(JOB_START, "")),
    )


def _job_start(said: str) -> float | None:
    return float(said) if said.isdigit() else None


def earlier_attempts(folder: RunFolder, replaced: Sequence[Token]) -> tuple[Attempt, ...]:
    """Return the attempts recorded so far, each with a cause; `replaced` are those that still lived."""
    if not folder.provenance.exists():
        return ()
    try:
        attempts = folder.read_provenance().attempts
    except DamagedRunError:
        return ()
    alive = {str(token) for token in replaced}
    return tuple(
        attempt
        if attempt.cause is not None
        else replace(attempt, cause=REPLACED if attempt.token in alive else "ended without a word")
        for attempt in attempts
    )


def close_finished(folder: RunFolder, replaced: Sequence[Token]) -> None:
    """Do what an attempt that wrote the summary was about to do when it died."""
    attempts = earlier_attempts(folder, replaced)
    if attempts and attempts[-1].end is None:
        last = replace(attempts[-1], end=attempts[-1].last_heartbeat, cause="finished")
        folder.write_provenance(replace(folder.read_provenance(), attempts=(*attempts[:-1], last)))
    folder.drop(folder.checkpoint)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result may depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def slurm() -> dict[str, str]:
    """Return SLURM's description of the job, empty outside one."""
    return {name: value for name, value in os.environ.items() if name.startswith("SLURM_")}
