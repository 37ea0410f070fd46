"""Runs that never leave the plateau: the share that learned, as an outcome of its own, and runs to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from alexnet_study.report.statistics.estimates import LEVEL, Array, Interval

SCALE = 1.4826  # of a normal law, standard deviation over median absolute deviation
FAR = 3.0
LEAST_RUNS = 5  # of 3 runs the deviation is the smaller of two gaps: one normal run in nine would be flagged


@dataclass(frozen=True, kw_only=True)
class LearnedShare:
    """How many of n runs learned, and the exact interval of the probability to learn."""

    learned: int
    n: int
    interval: Interval

    @property
    def value(self) -> float:
        """Return the share."""
        return self.learned / self.n


def learned_share(learned: int, n: int, level: float = LEVEL) -> LearnedShare:
    """Return the share of n runs that learned, with Clopper and Pearson's interval (Biometrika 26, 1934).

    It covers with at least `level` whatever the truth; of n runs that all learn, its lower end is (α/2)^(1/n). Raise
    ValueError unless 0 ≤ learned ≤ n and n ≥ 1.
    """
    if not (n >= 1 and 0 <= learned <= n):
        raise ValueError(f"{learned} of {n} runs")
    tail = (1 - level) / 2
    low = float(special.betaincinv(learned, n - learned + 1, tail)) if learned else 0.0
    high = float(special.betaincinv(learned + 1, n - learned, 1 - tail)) if learned < n else 1.0
    return LearnedShare(learned=learned, n=n, interval=Interval(low=low, high=high))


def flagged(values: Sequence[float] | Array) -> tuple[int, ...]:
    """Return the indices of runs, of values (n,), beyond three scaled median absolute deviations from the median.

    A flag asks for a look at the run; no run is left out for it: of normal runs 7 % are flagged at n = 5, 3 % at 10,
    1.4 % at 20. Where more than half of the values are equal, all others are flagged. No run is for n < 5.
    """
    samples = np.asarray(values, dtype=float)
    if len(samples) < LEAST_RUNS:
        return ()
    away = np.abs(samples - np.median(samples))
    return tuple(np.flatnonzero(away > FAR * SCALE * np.median(away)).tolist())
