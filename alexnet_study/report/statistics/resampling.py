"""What is learnt by shuffling the runs at hand: sign flips, crossed bootstrap, split of the spread."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from alexnet_study.report.statistics.estimates import LEVEL, Array, Interval

Key = TypeVar("Key", bound=Hashable)
EXACT = 12  # up to this many seeds all 2ⁿ sign flips are made
SAMPLED = 2**EXACT - 1  # random ones beyond, with the identity 2¹²
RESAMPLES = 2000
CHUNK = 250  # resamples at a time: their image counts are 10 MB for 10,000 images
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


def crossed_bootstrap(
    bits: Mapping[Key, NDArray[np.uint8]], images: int, pairs: Sequence[tuple[Key, Key]], resamples: int = RESAMPLES
) -> dict[tuple[Key, Key], Interval]:
    """Return percentile intervals of accuracy differences a − b when both seeds and images are drawn again.

    bits: packed right-or-wrong rows (n, ⌈images/8⌉) of each group, the same n seeds in the same order. A resample draws
    seeds once and images once, for all groups.
    """
    rng = np.random.default_rng(SEED)
    draws: dict[Key, list[Array]] = {name: [] for name in bits}
    n = len(next(iter(bits.values())))
    for start in range(0, resamples, CHUNK):
        count = min(CHUNK, resamples - start)
        picks = rng.multinomial(images, np.full(images, 1 / images), size=count).astype(np.float32)  # (count, N)
        seeds = rng.multinomial(n, np.full(n, 1 / n), size=count).T  # (n, count)
        for name, rows in bits.items():
            draws[name].append((_accuracies(rows, images, picks) * seeds).sum(0) / n)
    joined = {name: np.concatenate(parts) for name, parts in draws.items()}
    tail = 100 * (1 - LEVEL) / 2
    return {
        (a, b): Interval(low=float(low), high=float(high))
        for a, b in pairs
        for low, high in [np.percentile(joined[a] - joined[b], [tail, 100 - tail])]
    }


def _accuracies(rows: NDArray[np.uint8], images: int, picks: NDArray[np.float32]) -> Array:
    """Return the accuracy (n, count) of each run on each resample; a hundred runs are unpacked at a time."""
    parts = [
        np.unpackbits(rows[start : start + 100], axis=1, count=images).astype(np.float32) @ picks.T / images
        for start in range(0, len(rows), 100)
    ]
    return np.concatenate(parts).astype(float)
