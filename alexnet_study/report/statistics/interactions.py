"""A difference of two differences: of the same seeds, pairs of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alexnet_study.report.statistics.estimates import Array, Estimate, contrast, mean


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """One advantage less another.

    paired: by seed; it is what a claim is judged by. unpaired: Welch's, a sensitivity check. correlation: of the two
    advantages over seeds; None where one of them doesn't vary.
    """

    paired: Estimate
    unpaired: Estimate
    correlation: float | None


def interaction(first: Sequence[float] | Array, second: Sequence[float] | Array) -> Interaction:
    """Return `first` less `second`, two advantages (n,) of the same seeds in the same order.

    The cells of one seed share weights, order and masks, so that the advantages correlate, by r say. The variance of a
    seed's difference, σ₁² + σ₂² − 2rσ₁σ₂, is estimated as it is by pairing; Welch takes r as 0, and its interval is too
    short where r is below 0 and too long above. Pairing costs half the degrees of freedom. Raise ValueError where the
    two aren't of one length, at least 1.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"two advantages of the same seeds, not of {a.shape} and {b.shape}")
    vary = len(a) > 1 and np.ptp(a) > 0 and np.ptp(b) > 0
    return Interaction(
        paired=mean(a - b),
        unpaired=contrast([a, -b]),
        correlation=float(np.corrcoef(a, b)[0, 1]) if vary else None,
    )
