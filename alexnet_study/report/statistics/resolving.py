"""What a number of seeds resolves, at the level at which the claim is judged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from alexnet_study.report.statistics.estimates import LEVEL, POWER, Estimate, Interval, holm, noncentrality
from alexnet_study.report.statistics.looks import ALPHA

MOST_SEEDS = 100_000  # more than anyone runs: "not within reach"


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What a claim's runs could have found.

    level: two-sided, at which the claim is judged. difference: the smallest true difference that is found with `power`,
    at the standard deviation of these runs; upper: its upper 95 % confidence limit, since that standard deviation is an
    estimate. seeds: how many find the observed effect with `power`, were it the true one; None where that is more than
    100,000. interval: of the estimate, with confidence 1 − level.
    """

    level: float
    power: float
    difference: float
    upper: float
    seeds: int | None
    interval: Interval


def verdict_levels(p_values: Sequence[float | None], share: float = 1.0, alpha: float = ALPHA) -> list[float]:
    """Return the level at which Holm's procedure judges each claim, given all claims' p, before adjustment.

    Of m claims the one rejected j-th is held against share · α / (m − j + 1); all that are not rejected against
    share · α over the number still open, m − (number rejected), None among them. A t interval of confidence 1 − level
    then leaves out the null exactly where the claim is rejected. The intervals are each claim's own, not simultaneous.
    """
    spent = share * alpha
    rejected = [p is not None and p < spent for p in holm(p_values)]
    order = sorted((index for index, out in enumerate(rejected) if out), key=lambda index: (p_values[index], index))
    m = len(p_values)
    levels = [spent / (m - sum(rejected)) if m > sum(rejected) else spent] * m
    for rank, index in enumerate(order):
        levels[index] = spent / (m - rank)
    return levels


def resolution(estimate: Estimate, level: float, null: float = 0.0, power: float = POWER) -> Resolution | None:
    """Return what an estimate's runs resolve in a two-sided t test of `level`; None where it has no standard error.

    The smallest difference is δ · σ/√n, δ the noncentrality that has `power`. s² df/σ² being χ² with df degrees of
    freedom, σ is below s √(df/χ²₀.₀₅) with confidence 95 %, and so is the difference. For a claim over k classes give
    `level`/k, Bonferroni's bound on what max-T resolves.
    """
    if not estimate.error or not estimate.df:
        return None
    interval = estimate.interval(1 - level)
    difference = estimate.resolvable(power, 1 - level)
    if interval is None or difference is None:
        return None
    factor = math.sqrt(estimate.df / float(special.chdtri(estimate.df, LEVEL)))  # chdtri: of the upper tail
    return Resolution(
        level=level,
        power=power,
        difference=difference,
        upper=difference * factor,
        seeds=seeds_needed(estimate, level, null, power),
        interval=interval,
    )


def seeds_needed(estimate: Estimate, level: float, null: float = 0.0, power: float = POWER) -> int | None:
    """Return the least number of seeds that finds the observed effect, at the observed spread, with `power`.

    Standard error and degrees of freedom are carried from n to n′ as error · √(n/n′) and df · (n′ − 1)/(n − 1). An
    effect that led one to look is an overestimate on average, so the number is a lower one. None above 100,000.
    """
    if not estimate.error or not estimate.df:
        return None
    effect = abs(estimate.value - null)
    per_seed, df_per_seed = estimate.error * math.sqrt(estimate.n), estimate.df / (estimate.n - 1)

    normal = float(special.ndtri(1 - level / 2) + special.ndtri(power))
    if effect * math.sqrt(MOST_SEEDS) < per_seed * normal:
        return None
    n = max(2, math.floor((normal * per_seed / effect) ** 2))  # what a known spread needs: t needs a few more
    while effect * math.sqrt(n) / per_seed < noncentrality(df_per_seed * (n - 1), power, 1 - level):
        n += 1
    return n
