"""Estimates over runs: intervals, contrasts of variants, correction for many claims, what one more run may show.

The unit is the run. Arrays of values are float64, one value a run, unless said otherwise; fractions stay fractions.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Array: TypeAlias = NDArray[np.float64]
LEVEL = 0.95
POWER = 0.80
LEAST_RUNS = 3  # for an interval: with one degree of freedom it is 9 times as long as with two


@dataclass(frozen=True, kw_only=True)
class Interval:
    """From `low` to `high`, both included; infinite where n is too small to say."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean, or a sum of weighted means, over runs.

    n: runs (of the smallest block). error: standard error, None where a block has one run, 0 where no runs differ: in
    both cases there is no interval and no test. df: its degrees of freedom.
    """

    value: float
    n: int
    error: float | None
    df: float | None

    def interval(self, level: float = LEVEL) -> Interval | None:
        """Return the two-sided t interval; None where there is no standard error, and of fewer than 3 runs."""
        if not self.error or not self.df or self.n < LEAST_RUNS:
            return None
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * self.error
        return Interval(low=self.value - half, high=self.value + half)

    def p_value(self, null: float = 0.0) -> float | None:
        """Return two-sided p that the true value is `null`."""
        if not self.error or not self.df:
            return None
        return float(2 * stats.t.sf(abs(self.value - null) / self.error, self.df))

    def resolvable(self, power: float = POWER, level: float = LEVEL) -> float | None:
        """Return the smallest true difference that a two-sided t test with this standard error finds with `power`."""
        if not self.error or not self.df:
            return None
        return self.error * noncentrality(self.df, power, level)


def mean(values: Sequence[float] | Array) -> Estimate:
    """Return mean over runs (n,), with the t interval's ingredients."""
    return contrast([values])


def contrast(blocks: Sequence[Sequence[float] | Array]) -> Estimate:
    """Return the sum of the means of independent blocks, each (nᵢ,): values of runs, or weighted sums of a seed's.

    One block: the one-sample t interval, which of differences is the paired one. Two blocks, the second negated:
    Welch's. In general: Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946).
    """
    arrays = [np.asarray(block, dtype=float) for block in blocks]
    sizes = [len(block) for block in arrays]
    if not arrays or min(sizes) == 0:
        raise ValueError("a contrast needs at least one run in every block")
    value = sum(float(block.mean()) for block in arrays)
    if min(sizes) < 2:
        return Estimate(value=value, n=min(sizes), error=None, df=None)
    parts = [_variance(block) / len(block) for block in arrays]
    return Estimate(value=value, n=min(sizes), error=math.sqrt(sum(parts)), df=_satterthwaite(parts, sizes))


def prediction(samples: Sequence[tuple[float, Sequence[float] | Array]], level: float = LEVEL) -> Interval | None:
    """Return where Σ weight · (one further run) lies, of independent samples (weight, values (nᵢ,)).

    One sample of weight 1: mean ± t₍n₋₁₎ s √(1 + 1/n). None where a sample has one run.
    """
    arrays = [(weight, np.asarray(values, dtype=float)) for weight, values in samples]
    sizes = [len(values) for _, values in arrays]
    if min(sizes) < 2:
        return None
    centre = sum(weight * float(values.mean()) for weight, values in arrays)
    parts = [weight**2 * _variance(values) * (1 + 1 / len(values)) for weight, values in arrays]
    spread = math.sqrt(sum(parts))
    half = float(stats.t.ppf((1 + level) / 2, _satterthwaite(parts, sizes))) * spread if spread else 0.0
    return Interval(low=centre - half, high=centre + half)


def proportion_prediction(values: Sequence[float] | Array, count: float, level: float = LEVEL) -> Interval | None:
    """Return `prediction` for one further run's proportion out of `count`, on the logit scale.

    Proportions x / count go through the empirical logit log((x + ½) / (count − x + ½)), which 0 and 1 have too; an
    infinite count, of a proportion that counts nothing, gives the plain logit, and None where that is infinite.
    """
    logits = empirical_logit(values, count)
    if not np.isfinite(logits).all():
        return None
    interval = prediction([(1.0, logits)], level)
    if interval is None:
        return None
    low, high = (float(special.expit(end)) for end in (interval.low, interval.high))
    if math.isinf(count):
        return Interval(low=low, high=high)
    back = [min(max((share * (count + 1) - 0.5) / count, 0.0), 1.0) for share in (low, high)]
    return Interval(low=back[0], high=back[1])


def empirical_logit(values: Sequence[float] | Array, count: float) -> Array:
    """Return log((x + ½) / (count − x + ½)) of proportions x / count; log(p / (1 − p)) for an infinite count."""
    shares = np.asarray(values, dtype=float)
    if math.isinf(count):
        return np.asarray(special.logit(shares))
    hits = shares * count
    return np.asarray(np.log((hits + 0.5) / (count - hits + 0.5)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p values (Scandinavian Journal of Statistics 6, 1979), in the given order.

    None, a test that this n does not allow, stays None and counts in the family: a claim is not easier to support
    because another could not be tested.
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[index] = largest
    return adjusted


def noncentrality(df: float, power: float = POWER, level: float = LEVEL) -> float:
    """Return the noncentrality δ at which a two-sided t test of `df` degrees of freedom rejects with `power`.

    |Z + δ| > c √(χ²/df) is integrated over the quantiles of χ² (Gauss–Legendre); scipy's nct fails for large δ.
    """
    critical = float(stats.t.ppf((1 + level) / 2, df))
    ratios, weights = spread_quadrature(df)

    def missing(shift: float) -> float:
        found = special.ndtr(shift - critical * ratios) + special.ndtr(-shift - critical * ratios)
        return float(found @ weights) - power

    return float(optimize.brentq(missing, 0.0, 4 * critical + 10))


@functools.cache
def spread_quadrature(df: float, count: int = 256) -> tuple[Array, Array]:
    """Return values (count,) of √(χ²/df), a normal sample's s/σ, and weights (count,) of sum 1 to average over them."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return np.sqrt(stats.chi2.ppf((nodes + 1) / 2, df) / df), weights / 2


def _variance(values: Array) -> float:
    """Return sample variance (ddof 1); exactly 0 for equal values, whose rounded mean would leave dust."""
    return 0.0 if np.ptp(values) == 0 else float(values.var(ddof=1))


def _satterthwaite(parts: Sequence[float], sizes: Sequence[int]) -> float:
    """Return degrees of freedom of Σ parts, each a variance estimated from a sample of the given size."""
    total = sum(parts)
    if total == 0:
        return float(min(sizes) - 1)
    return total**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))


def can_not_tell(n: int) -> str:
    """Return what is said of n runs, too few for an interval: `two seeds can't tell`."""
    return "one seed can't tell" if n == 1 else "two seeds can't tell"


def as_json(interval: Interval | None) -> list[float] | None:
    """Return an interval as [low, high]."""
    return None if interval is None else [interval.low, interval.high]
