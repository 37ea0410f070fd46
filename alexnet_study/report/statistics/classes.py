"""Whether a variant is better on some classes beyond its mean gain: max-T over centred class differences."""

from dataclasses import dataclass

import numpy as np

from alexnet_study.report.statistics.estimates import Array
from alexnet_study.report.statistics.resampling import max_t
from alexnet_study.report.statistics.sign_flips import least_p


@dataclass(frozen=True, kw_only=True)
class ClassAdvantages:
    """Class gains over n seeds, in the figures' units.

    mean_gain: over seeds and classes. gains: (k,), each class's. beyond: (k,), gains less `mean_gain`. p: (k,), that
    `beyond` is 0, two-sided and adjusted over the classes. least: the least p that these seeds allow.
    """

    mean_gain: float
    gains: tuple[float, ...]
    beyond: tuple[float, ...]
    p: tuple[float, ...]
    least: float
    n: int


def class_advantages(differences: Array) -> ClassAdvantages | None:
    """Test class differences (n, k) of n seeds less each seed's mean over the k classes; return None for n < 2.

    A uniform gain shifts all classes of a seed and leaves the centred differences alone. These sum to 0 in every seed,
    so that their covariance is singular; sign flips don't mind. They need one thing: that under the null a seed's whole
    vector is as likely as its negative. Centring is linear, so a vector symmetric about its expectation stays so, and
    where no class departs from the mean gain that expectation is 0. A flip negates whole rows and keeps every
    dependence, the singular one too; the p values are exact, at least 2/2ⁿ (Westfall and Young, 1993). Where some
    classes do depart, the flipped statistics of the others still depend on their own columns alone, and the largest of
    all columns is at least theirs: the error stays under the level (strong control).

    A departure is from the mean gain: one class far above it puts the others slightly below, and then truly so.
    """
    samples = np.asarray(differences, dtype=float)
    if len(samples) < 2:
        return None
    centred = centred_differences(samples)
    gains = samples.mean(0)
    return ClassAdvantages(
        mean_gain=float(gains.mean()),
        gains=tuple(gains.tolist()),
        beyond=tuple((gains - gains.mean()).tolist()),
        p=tuple(max_t(centred).tolist()),
        least=least_p(centred),
        n=len(samples),
    )


def centred_differences(differences: Array) -> Array:
    """Return differences (n, k) less each seed's mean over the k classes, exactly 0 where a seed's are all equal."""
    uniform = np.ptp(differences, axis=1, keepdims=True) == 0
    return np.where(uniform, 0.0, differences - differences.mean(1, keepdims=True))
