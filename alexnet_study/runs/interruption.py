"""The signals that a scheduler sends before it kills, and how a run ends in time.

SLURM sends USR2 ahead of the time limit (`--signal`), and TERM before it kills a cancelled or preempted job.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from alexnet_study.errors import StoppedError

UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: start it again
SIGNALS = (signal.SIGUSR2, signal.SIGTERM)
END_WITH_INPUT = "ALEXNET_STUDY_END_WITH_INPUT"  # in a container: its standard input closes when the host side is gone
WARNED = "the time limit's warning came (SIGUSR2)"
TIME_LIMIT = "the time limit came (SIGTERM)"
TERMINATED = "the scheduler or a user ended it (SIGTERM)"
INTERRUPTED = "a user interrupted it (SIGINT)"
LAST_SECONDS = 120  # SLURM looks at time limits about once a minute


class Interruption:
    """Whether the process was asked to end, and why; without `install` it never is.

    Outside the two contexts a signal ends the process at once, with exit code 75: nothing is at stake while PyTorch is
    imported or data is read.
    """

    def __init__(self) -> None:
        self.cause: str | None = None
        self._act: Callable[[str], None] = _exit

    def install(self) -> "Interruption":
        """Receive the signals from now on; in the main thread only."""
        for number in SIGNALS:
            signal.signal(number, self._receive)
        if os.environ.get(END_WITH_INPUT):
            threading.Thread(target=_end_with_input, name="input", daemon=True).start()
        return self

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Have a signal raise StoppedError wherever the code inside is: for work that may be dropped."""
        with self._acting(_raise):
            self.check()
            yield

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Have a signal only noted: the work inside looks at `cause` where it can end, and calls `check`."""
        with self._acting(_note):
            yield

    def check(self) -> None:
        """Raise StoppedError if a signal came."""
        if self.cause is not None:
            raise StoppedError(self.cause)

    @contextmanager
    def _acting(self, act: Callable[[str], None]) -> Iterator[None]:
        before, self._act = self._act, act
        try:
            yield
        finally:
            self._act = before

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.cause is None or self._act is _exit:
            self.cause = self.cause or cause_of(number, time.time())
            self._act(self.cause)  # once: a second signal must not interrupt the ending


def cause_of(number: int, now: float) -> str:
    """Return what a signal at `now` (seconds since the epoch) means, as far as the job's environment tells.

    USR2 is the warning before the time limit. TERM may be a cancellation or a preemption, which only the scheduler can
    tell apart; shortly before the job's end (SLURM_JOB_END_TIME, since SLURM 23.02) it is the time limit too.
    """
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    last = end.isdigit() and int(end) - now <= LAST_SECONDS
    if number == signal.SIGUSR2:
        return WARNED
    return TIME_LIMIT if last else TERMINATED


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _exit(cause: str) -> None:
    os.write(2, f"error: stopped before the run began: {cause}; start it again\n".encode())
    os._exit(UNFINISHED)


def _raise(cause: str) -> None:
    raise StoppedError(cause)


def _note(cause: str) -> None:
    pass
