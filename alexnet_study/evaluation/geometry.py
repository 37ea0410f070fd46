"""Numbers that describe the shape of a feature cloud."""

from alexnet_study.evaluation.arrays import Array


def participation_ratio(variances: Array) -> float | None:
    """Return (Σλ)² / Σλ² of variances λ (k,): 1 when one direction holds all variance, k when all hold the same.

    None where every variance is 0. Ratios of variances give the same number.
    """
    squares = float((variances**2).sum())
    return float(variances.sum()) ** 2 / squares if squares > 0 else None
