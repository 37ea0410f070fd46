"""What a study of n seeds would say of a known effect: its sign, whether it is there, and how large.

Two answers stand beside each other: of a model, in which a seed's differences are normal and independent, and of
resampling the differences at hand. In the model all depends on the effect in units of the differences' standard
deviation, for which there is an exact interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from alexnet_study.report.statistics.estimates import LEVEL, Array, Interval, spread_quadrature
from alexnet_study.report.statistics.looks import ALPHA
from alexnet_study.report.statistics.resampling import SEED

TWOFOLD = 2.0
SAMPLES = 20_000  # drawn where there are more than this: an error of at most .0036


@dataclass(frozen=True, kw_only=True)
class Chances:
    """Probabilities of what a study of n seeds says of an effect.

    sign: its mean has the effect's sign. found: a two-sided t test refuses 0, and the sign is right; 0 for n = 1, which
    allows no test. twofold: its mean is at least twice the effect. twofold_if_found: that, of the studies that find the
    effect; None where none does.
    """

    n: int
    sign: float
    found: float
    twofold: float
    twofold_if_found: float | None


def modelled(effect: float, n: int, level: float = ALPHA) -> Chances:
    """Return the chances of n seeds, normal and independent.

    effect: the true mean of a seed's difference over its standard deviation, above 0. The mean of n is that times √n
    away from 0, in standard errors; its s/σ is independent of it and averaged over.
    """
    shift = effect * math.sqrt(n)
    sign, twofold = float(special.ndtr(shift)), float(special.ndtr(-shift))
    if n == 1:
        return Chances(n=1, sign=sign, found=0.0, twofold=twofold, twofold_if_found=None)
    ratios, weights = spread_quadrature(n - 1)
    bounds = float(stats.t.isf(level / 2, n - 1)) * ratios
    found = float(special.ndtr(shift - bounds) @ weights)
    both = float(special.ndtr(shift - np.maximum(bounds, TWOFOLD * shift)) @ weights)
    return Chances(n=n, sign=sign, found=found, twofold=twofold, twofold_if_found=both / found if found else None)


def standardised_effect(differences: Sequence[float] | Array, level: float = LEVEL) -> Interval | None:
    """Return the interval of |true mean| over standard deviation, from the differences (n,) of n seeds.

    It holds the effects under which a t as large as theirs is neither too rare nor too common: exact for normal
    differences, by the noncentral t distribution. None where it isn't above 0: then the sign itself isn't known.
    """
    values = np.asarray(differences, dtype=float)
    if len(values) < 2 or np.ptp(values) == 0:
        return None
    df, root = len(values) - 1, math.sqrt(len(values))
    t = abs(float(values.mean())) * root / float(values.std(ddof=1))
    ratios, weights = spread_quadrature(df)

    def below(effect: float) -> float:
        return float(special.ndtr(t * ratios - effect * root) @ weights)

    tail, most = (1 - level) / 2, (4 * t + 10) / root
    if below(0.0) <= 1 - tail:
        return None
    low, high = (
        float(optimize.brentq(lambda effect, share=share: below(effect) - share, 0.0, most))
        for share in (1 - tail, tail)
    )
    return Interval(low=low, high=high)


def resampled(differences: Sequence[float] | Array, n: int, level: float = ALPHA) -> Chances:
    """Return the chances of n seeds drawn with replacement from the differences (N,), whose mean is the effect.

    All Nⁿ samples up to 20,000 of them, else 20,000 drawn from a fixed seed. A sample without spread finds nothing.
    """
    values = np.asarray(differences, dtype=float)
    effect, size = float(values.mean()), len(values)
    if size**n <= SAMPLES:
        chosen = np.arange(size**n)[:, None] // size ** np.arange(n) % size
    else:
        chosen = np.random.default_rng([SEED, n]).integers(0, size, size=(SAMPLES, n))
    drawn = values[chosen] * math.copysign(1.0, effect)
    means = drawn.mean(1)
    found = np.zeros(len(means), dtype=bool)
    if n > 1:
        spread = drawn.std(1, ddof=1)
        found = (np.ptp(drawn, axis=1) > 0) & (means * math.sqrt(n) > stats.t.isf(level / 2, n - 1) * spread)
    twofold = means >= TWOFOLD * abs(effect)
    return Chances(
        n=n,
        sign=float((means > 0).mean()),
        found=float(found.mean()),
        twofold=float(twofold.mean()),
        twofold_if_found=float(twofold[found].mean()) if found.any() else None,
    )


def unpaired_pairs(first: Sequence[float] | Array, second: Sequence[float] | Array) -> Array:
    """Return all differences (n · m,) of a value of `first` (n,) less one of `second` (m,), of any two seeds."""
    return np.subtract.outer(np.asarray(first, dtype=float), np.asarray(second, dtype=float)).ravel()
