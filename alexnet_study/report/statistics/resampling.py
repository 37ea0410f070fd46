"""What is learnt by shuffling the runs at hand: sign flips; and the split of the spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alexnet_study.report.statistics.estimates import Array

EXACT = 12  # up to this many seeds all 2ⁿ sign flips are made
SAMPLED = 2**EXACT - 1  # random ones beyond, with the identity 2¹²
SEED = 20241  # of every random choice in a report: the same runs give the same report
TIES = 1e-9  # statistics closer than this, relatively, are equal but for rounding


def sign_flips(n: int) -> Array:
    """Return signs (flips, n), the identity first: all 2ⁿ up to n = 12, else 2¹² drawn from a fixed seed."""
    if n <= EXACT:
        codes = np.arange(2**n)[:, None]
        return np.where(codes >> np.arange(n) & 1, -1.0, 1.0)
    drawn = np.random.default_rng(SEED).integers(0, 2, size=(SAMPLED, n))
    return np.vstack([np.ones(n), 1.0 - 2.0 * drawn])


def max_t(differences: Array) -> Array:
    """Return adjusted two-sided p (k,) of k mean differences, from differences (n, k) of n seeds, by sign flips.

    A seed's k differences flip together, so their dependence is kept; each |t| is compared with the largest of a flip
    (Westfall and Young, 1993, single step). Exact, and at least 2/2ⁿ, up to n = 12.
    """
    samples = np.asarray(differences, dtype=float)
    n = len(samples)
    if n < 2:
        return np.ones(samples.shape[1])
    means = sign_flips(n) @ samples / n  # (flips, k)
    squares = (samples**2).sum(0)
    variance = np.maximum(squares - n * means**2, 0) / (n - 1)
    floor = TIES * squares / n  # a column of equal differences has no spread under the identity
    size = np.abs(means) / np.sqrt(np.maximum(variance, floor) / n, where=squares > 0, out=np.full_like(means, np.inf))
    largest = size.max(1)
    return np.asarray((largest[:, None] >= size[0] * (1 - TIES)).mean(0))


def sign_flip_p(differences: Sequence[float] | Array) -> float:
    """Return two-sided p that paired differences (n,) are symmetric about 0."""
    return float(max_t(np.asarray(differences, dtype=float)[:, None])[0])


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The variance of accuracy over seeds, and its parts; variances of fractions. `seeds` may come out negative."""

    total: float
    images: float
    seeds: float
    n: int


def split_spread(correct: Array, n: int, accuracy: Sequence[float] | Array) -> Spread | None:
    """Split the variance of `accuracy` (n,) over seeds on N test images.

    correct: (N,), how many of the n seeds get each image right. The images' part is (1/N²) Σᵢ n/(n−1) p̂ᵢ(1−p̂ᵢ), what
    would be left were images right or wrong independently of each other; the rest, the covariance between images, is
    what a seed moves as a whole. None for n < 2.
    """
    if n < 2:
        return None
    share = np.asarray(correct, dtype=float) / n
    images = float((share * (1 - share)).sum()) * n / (n - 1) / len(share) ** 2
    total = float(np.var(np.asarray(accuracy, dtype=float), ddof=1))
    return Spread(total=total, images=images, seeds=total - images, n=n)
