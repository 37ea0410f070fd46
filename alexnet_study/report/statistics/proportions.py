"""The t interval of a mean of proportions, on the logit scale."""

import math
from collections.abc import Sequence

from scipy import special

from alexnet_study.report.statistics.estimates import LEAST_RUNS, LEVEL, Array, Estimate, Interval, mean


def proportion_interval(values: Sequence[float] | Array, level: float = LEVEL) -> Interval | None:
    """Return the interval of the mean m of n runs' proportions; None for n < 3 or where no runs differ.

    logit(m) ± t₍n₋₁₎ · error/(m(1 − m)), taken back: the delta method. It lies in (0, 1), holds m, and is about m, the
    mean that is printed. (The mean of the runs' logits is another quantity, and m may lie outside its interval.)
    """
    return logit_interval(mean(values), level)


def logit_interval(estimate: Estimate, level: float = LEVEL) -> Interval | None:
    """Return `proportion_interval` of an estimate that is a mean of proportions; None where it is rounded to 0 or 1."""
    if estimate.n < LEAST_RUNS or not estimate.error or not estimate.df or not 0 < estimate.value < 1:
        return None
    half = float(special.stdtrit(estimate.df, (1 + level) / 2)) * estimate.error
    centre, slope = float(special.logit(estimate.value)), 1 / (estimate.value * (1 - estimate.value))
    if not math.isfinite(slope):
        return None
    low, high = (float(special.expit(centre + sign * half * slope)) for sign in (-1, 1))
    return Interval(low=low, high=high)
