"""How far a process is with its runs: `run 3 of 20, 12 min left`."""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from tqdm import tqdm

from alexnet_study.study.configs import RunConfig
from alexnet_study.wording import duration


class Countdown:
    """Tells which of several runs come next, and how long all that are left take, as far as earlier ones show.

    The time is that of an epoch, with its share of the analysis, in the runs of this process that were carried out.
    """

    def __init__(self, runs: Sequence[RunConfig], done: Collection[RunConfig]) -> None:
        self._count = len(runs)
        self._done = set(done)
        self._left = [run for run in runs if run not in self._done]
        self._begun = 0
        self._seconds = 0.0
        self._epochs = 0

    @contextmanager
    def counted(self, pack: Sequence[RunConfig]) -> Iterator[None]:
        """Announce the runs that the work inside carries out, and take their time."""
        if self._count > 1:
            tqdm.write(self._line(pack))
        self._begun += len(pack)
        own = [run for run in pack if run not in self._done]
        started = time.monotonic()
        yield
        if own:
            self._seconds += time.monotonic() - started
            self._epochs += _epochs(own)
        self._left = [run for run in self._left if run not in own]

    def _line(self, pack: Sequence[RunConfig]) -> str:
        first, last = self._begun + 1, self._begun + len(pack)
        numbers = f"run {first}" if first == last else f"runs {first} to {last}"
        left = ""
        if self._epochs and self._left:
            left = f", {duration(self._seconds / self._epochs * _epochs(self._left))} left"
        return f"{numbers} of {self._count}{left}"


def _epochs(runs: Sequence[RunConfig]) -> int:
    return sum(run.recipe.epochs for run in runs)
