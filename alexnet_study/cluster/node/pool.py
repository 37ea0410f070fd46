"""Carry out runs as child processes, so many at once, each with its own log; signals reach all of them.

The one mechanism of a SLURM job with several runs and of the local supervisor.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from alexnet_study.cluster.plans.job_plan import PlannedRun
from alexnet_study.runs.interruption import SIGNALS, UNFINISHED

FAILED = 1
POLL_SECONDS = 0.1
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a run is started: its command and its environment, which may depend on the slot that it takes, from 0.

    bound: the run is told to end when this process dies, where nobody else would tell it.
    """

    command: Callable[[PlannedRun], Sequence[str]]
    environment: Callable[[PlannedRun, int], dict[str, str]]
    logs: Path
    job: str
    bound: bool = False

    def log(self, run: PlannedRun, ending: str) -> Path:
        """Return the log of a run in this job; ending: `out` or `err`."""
        return self.logs / f"{run.name}-{self.job}.{ending}"

    def share_logs(self, runs: Sequence[PlannedRun]) -> None:
        """Let the logs of all runs be those of the first, whose process carries them all out."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for run in runs[1:]:
            for ending in ("out", "err"):
                with contextlib.suppress(FileExistsError):  # in an earlier life of the job
                    self.log(run, ending).symlink_to(self.log(runs[0], ending).name)


@dataclass(kw_only=True)
class Pool:
    """Runs that wait, runs that live in a slot each, and the exit codes of those that ended.

    restarts: how often an unfinished run is started again here; in a SLURM job the whole job is requeued instead.
    on_change is called whenever a run starts or ends.
    """

    launch: Launch
    slots: int
    restarts: int = 0
    on_change: Callable[["Pool"], None] = lambda _: None
    waiting: list[PlannedRun] = field(default_factory=list)
    living: dict[int, tuple[PlannedRun, subprocess.Popen[bytes]]] = field(default_factory=dict)
    codes: dict[PlannedRun, int] = field(default_factory=dict)
    _left: dict[PlannedRun, int] = field(default_factory=dict)
    _warning: int | None = None  # the newest signal

    @property
    def stopping(self) -> bool:
        """Return whether a signal came: nothing is started any more."""
        return self._warning is not None

    def carry_out(self, runs: Iterable[PlannedRun]) -> int:
        """Carry out all runs; return 0, UNFINISHED where one has to be started again, else FAILED where one failed."""
        self.waiting = list(runs)
        self._left = dict.fromkeys(self.waiting, self.restarts)
        previous = {number: signal.signal(number, self._warned) for number in SIGNALS}
        signal.signal(signal.SIGCONT, signal.SIG_DFL)  # scancel sends it first, and means nothing by it
        try:
            while self.waiting or self.living:
                self._start()
                self._collect()
                time.sleep(POLL_SECONDS)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        codes = [self.codes.get(run, UNFINISHED) for run in self._left]
        return UNFINISHED if UNFINISHED in codes else FAILED if any(codes) else 0

    def _start(self) -> None:
        for slot in range(self.slots):
            if self.stopping:
                self.waiting.clear()
            if self.waiting and slot not in self.living:
                run = self.waiting.pop(0)
                self.living[slot] = run, self._process(run, slot)
                if self._warning is not None:
                    self.living[slot][1].send_signal(self._warning)  # it came while the process was started
                self.on_change(self)

    def _process(self, run: PlannedRun, slot: int) -> subprocess.Popen[bytes]:
        self.launch.logs.mkdir(parents=True, exist_ok=True)
        with self.launch.log(run, "out").open("ab") as out, self.launch.log(run, "err").open("ab") as err:
            return subprocess.Popen(
                self.launch.command(run),
                env={**os.environ, **self.launch.environment(run, slot)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=_end_with_parent if self.launch.bound else None,
            )

    def _collect(self) -> None:
        for slot, (run, process) in list(self.living.items()):
            code = process.poll()
            if code is None:
                continue
            del self.living[slot]
            if self.stopping and code in [-number for number in SIGNALS]:
                code = UNFINISHED  # warned before it could listen
            if code == UNFINISHED and not self.stopping and self._left[run] > 0:
                self._left[run] -= 1
                self.waiting.append(run)
            else:
                self.codes[run] = code
            self.on_change(self)

    def _warned(self, number: int, _: FrameType | None) -> None:
        self._warning = number
        for _run, process in list(self.living.values()):
            process.send_signal(number)


def _end_with_parent() -> None:
    """Called in the child before it becomes the run: Linux shall send it SIGTERM when its parent dies."""
    if _PRCTL is not None:
        _PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)
