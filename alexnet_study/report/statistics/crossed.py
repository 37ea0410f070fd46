"""An interval for seeds and images together: t over seeds, widened by the images' variance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from alexnet_study.report.statistics.estimates import LEAST_RUNS, LEVEL, Interval


@dataclass(frozen=True, kw_only=True)
class CrossedEstimate:
    """A mean over n seeds and N images, both drawn from many.

    seeds: the variance of the mean that comes of the seeds, with what each seed does on each image; images: that of the
    images alone, not below 0.
    """

    value: float
    n: int
    images_n: int
    seeds: float
    images: float

    def interval(self, level: float = LEVEL) -> Interval:
        """Return value ± √(t²₍n₋₁₎ · seeds + t²₍N₋₁₎ · images), for other seeds and other images."""
        tail = (1 + level) / 2
        seeds, images = (float(special.stdtrit(count - 1, tail)) for count in (self.n, self.images_n))
        half = math.sqrt(seeds**2 * self.seeds + images**2 * self.images)
        return Interval(low=self.value - half, high=self.value + half)


def crossed_estimate(values: NDArray[np.generic]) -> CrossedEstimate | None:
    """Return the mean of values (n, N), one a seed and image, with its two variances; None for n < 3 or N < 2.

    A value is right or wrong of one run, or the paired difference of two runs of one seed: 1, 0 or −1. The model is
    d = μ + Aₛ + Bᵢ + Eₛᵢ, all independent of mean 0, and the mean's variance σ²_A/n + σ²_B/N + σ²_E/(nN).

    - s², the variance over seeds of their means over images, has expectation σ²_A + σ²_E/N: s²/n holds A and E.
    - v, the variance over images of their means over seeds, has expectation σ²_B + σ²_E/n: v/N holds B, and E again.
    - e, the residual mean square of the table, over (n − 1)(N − 1), has expectation σ²_E.

    So s²/n + (v − e/n)/N is unbiased, E being counted once; its second part is set to 0 where it comes out negative.
    The parts have degrees of freedom n − 1 and (about) N − 1. Satterthwaite's single one covers .92 at n = 3; squaring
    each part's own half-width and adding (MOVER: Zou and Donner, Statistics in Medicine 27, 2008) keeps at least 95 %.
    """
    table = np.asarray(values, dtype=float)
    n, count = table.shape
    if n < LEAST_RUNS or count < 2:
        return None
    by_seed, by_image, centre = table.mean(1), table.mean(0), float(table.mean())
    residual = table - by_seed[:, None] - by_image + centre
    error = float((residual**2).sum()) / ((n - 1) * (count - 1))
    images = (float(by_image.var(ddof=1)) - error / n) / count
    return CrossedEstimate(
        value=centre,
        n=n,
        images_n=count,
        seeds=float(by_seed.var(ddof=1)) / n,
        images=max(images, 0.0),
    )
