"""The formulas of a claim's numbers once more, in numpy and scipy: nothing of the report is imported."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def signs(n: int) -> Array:
    """Return all 2ⁿ sign flips, or beyond twelve seeds the 4,096 that the report draws."""
    if n <= 12:
        return np.array(list(itertools.product([1.0, -1.0], repeat=n)))
    return np.vstack([np.ones(n), 1.0 - 2.0 * np.random.default_rng(20241).integers(0, 2, size=(4095, n))])


def max_t(table: Array, column: int) -> float:
    """Return the single-step max-T p of one column, by t statistics of all flips."""

    def t(rows: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.abs(rows.mean(0)) / np.sqrt(rows.var(0, ddof=1) / len(rows)))

    own = t(table)[column]
    return float(np.mean([t(table * flip[:, None]).max() >= own * (1 - 1e-9) for flip in signs(len(table))]))


def flip_p(values: Array) -> float:
    sums = np.abs(signs(len(values)) @ values)  # |t| is a rising function of |mean|, the sum of squares being the same
    return float((sums >= abs(values.sum()) * (1 - 1e-9)).mean())


def least_p(table: Array) -> float:
    """Return the least p that flips of values (n,) or of a table (n, k) can give.

    A table and its negative count, and a row of zeros is the same flipped; of the flips drawn, the identity alone.
    """
    moving = int((table.reshape(len(table), -1) != 0).any(1).sum())
    return min(1.0, 2 / 2**moving) if len(table) <= 12 else 1 / 4096


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(sorted((p, i) for i, p in enumerate(p_values) if p is not None)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        adjusted[index] = highest
    return adjusted


def level_of(index: int, p_values: Sequence[float | None], share: float) -> float:
    """Return the level at which Holm's procedure judges a claim."""
    m, spent = len(p_values), 0.05 * share
    rejected = [i for i, p in enumerate(holm(p_values)) if p is not None and p < spent]
    rejected.sort(key=lambda i: p_values[i] or 0.0)
    return spent / (m - rejected.index(index)) if index in rejected else spent / (m - len(rejected))


def hodges_lehmann(values: Array) -> tuple[float, list[float] | None, float | None]:
    """Return the median of the Walsh averages, the interval of 95 %, or the most that n attains, and its level.

    Of all signs of n ranks, those whose positive ranks sum to w at most leave out the first w + 1 averages at an end.
    """
    n = len(values)
    walsh = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
    centre = float(np.median(walsh))
    if n < 3:
        return centre, None, None
    counts = np.zeros(n * (n + 1) // 2 + 1)
    counts[0] = 1
    for rank in range(1, n + 1):
        counts[rank:] = counts[rank:] + counts[: len(counts) - rank].copy()
    left_out = 2 * np.cumsum(counts) / 2**n
    k = max(1, int((left_out <= 0.05 + 1e-12).sum()))  # of less than six values 1: from the least to the largest
    return centre, [walsh[k - 1], walsh[-k]], 1 - left_out[k - 1]


def t_interval(values: Array, level: float = 0.95) -> list[float] | None:
    """Return the interval of a mean; None of fewer than three runs, and of runs that don't differ."""
    if len(values) < 3 or np.ptp(values) == 0:
        return None
    return list(stats.ttest_1samp(values, 0.0).confidence_interval(level))


def around(centre: float, parts: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """Return the 95 % interval of a sum, its variance the sum of `parts`, by Satterthwaite's degrees of freedom."""
    variance = sum(parts)
    if variance == 0:
        return [centre, centre]
    df = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    half = float(stats.t.ppf(0.975, df)) * math.sqrt(variance)
    return [centre - half, centre + half]


def variance(values: Array) -> float:
    return float(values.var(ddof=1)) if np.ptp(values) else 0.0  # of equal values the mean, rounded, leaves dust


def unpaired_interval(blocks: Sequence[Array]) -> list[float] | None:
    """Return the interval of the sum of independent blocks' means: of two blocks, the second negated, Welch's."""
    sizes = [len(block) for block in blocks]
    parts = [variance(block) / len(block) for block in blocks]
    return (
        around(sum(float(block.mean()) for block in blocks), parts, sizes) if min(sizes) >= 3 and any(parts) else None
    )


def prediction_interval(samples: Sequence[tuple[float, Array]]) -> list[float] | None:
    """Return where Σ weight · (one further run) lies: s² of a run and s²/n of the mean, for each sample by itself."""
    sizes = [len(values) for _, values in samples]
    if min(sizes) < 2:
        return None
    centre = sum(weight * float(values.mean()) for weight, values in samples)
    return around(centre, [w * w * variance(x) * (1 + 1 / len(x)) for w, x in samples], sizes)


def power(effect: float, spread: float, n: int, level: float) -> float:
    """Return the power of a two-sided t test: over χ²'s quantiles, as scipy's nct is nan for large effects."""
    critical, shift = stats.t.ppf(1 - level / 2, n - 1), effect / spread * math.sqrt(n)
    quantiles = (np.arange(20_000) + 0.5) / 20_000
    bounds = critical * np.sqrt(stats.chi2.ppf(quantiles, n - 1) / (n - 1))
    return float((stats.norm.sf(bounds - shift) + stats.norm.cdf(-bounds - shift)).mean())
