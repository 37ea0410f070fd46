"""The signals that a user or a scheduler sends to end a process, and how it ends in time.

SLURM sends USR2 ahead of the time limit (`--signal`), and TERM before it kills a cancelled or preempted job. Ctrl-C is
INT.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from alexnet_study.errors import StoppedError

UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: start it again
SIGNALS = (signal.SIGUSR2, signal.SIGTERM)  # a scheduler's
END_WITH_INPUT = "ALEXNET_STUDY_END_WITH_INPUT"  # in a container: its standard input closes when the host side is gone
INPUT = "input"  # the thread that waits for that
WARNED = "the time limit's warning came (SIGUSR2)"
TIME_LIMIT = "the time limit came (SIGTERM)"
TERMINATED = "the scheduler or a user ended it (SIGTERM)"
INTERRUPTED = "a user interrupted it (SIGINT)"
LAST_SECONDS = 120  # SLURM looks at time limits about once a minute
BEFORE = "error: stopped before the run began: {}; start it again"


class Interruption:
    """Whether the process was asked to end, and why; without `install` it never is.

    Outside the two contexts a signal ends the process at once, with exit code 75 and the line `words`, in which {} is
    the cause: nothing is at stake while PyTorch is imported or data is read.
    """

    def __init__(self, words: str = BEFORE) -> None:
        self.cause: str | None = None
        self._words = words
        self._act: Callable[[str], None] = self.exit

    def install(self) -> "Interruption":
        """Receive the signals from now on; in the main thread only."""
        for number in (*SIGNALS, signal.SIGINT):
            signal.signal(number, self._receive)
        sys.unraisablehook = _unless_stopped
        if os.environ.get(END_WITH_INPUT) and not any(thread.name == INPUT for thread in threading.enumerate()):
            threading.Thread(target=_end_with_input, name=INPUT, daemon=True).start()
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

    def exit(self, cause: str) -> None:
        """End the process at once, with the line that says why; for a signal's handler, so nothing is cleaned up."""
        os.write(2, f"{self._words.format(cause)}\n".encode())
        os._exit(UNFINISHED)

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
        if self.cause is None or self._act == self.exit:
            self.cause = self.cause or cause_of(number, time.time())
            self._act(self.cause)  # once: a second signal must not interrupt the ending


def cause_of(number: int, now: float) -> str:
    """Return what a signal at `now` (seconds since the epoch) means, as far as the job's environment tells.

    INT is a user's Ctrl-C. USR2 is the warning before the time limit. TERM may be a cancellation or a preemption, which
    only the scheduler can tell apart; shortly before the job's end (SLURM_JOB_END_TIME, since SLURM 23.02) it is the
    time limit too.
    """
    if number == signal.SIGINT:
        return INTERRUPTED
    if number == signal.SIGUSR2:
        return WARNED
    return TIME_LIMIT if is_time_limit(number, now) else TERMINATED


def is_time_limit(number: int, now: float) -> bool:
    """Return whether a signal at `now` comes of the job's time limit; a preemption may send USR2 too, where told to.

    Where the job's end is not known USR2 does, and TERM does not.
    """
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    return int(end) - now <= LAST_SECONDS if end.isdigit() else number == signal.SIGUSR2


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _unless_stopped(unraisable: "sys.UnraisableHookArgs") -> None:
    """Print an exception that nothing can catch, unless a signal raised it, whose cause is noted all the same."""
    if not isinstance(unraisable.exc_value, StoppedError):
        sys.__unraisablehook__(unraisable)


def _raise(cause: str) -> None:
    raise StoppedError(cause)


def _note(cause: str) -> None:
    pass
