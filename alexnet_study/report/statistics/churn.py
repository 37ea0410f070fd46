"""How much two runs differ in which images they get right: disagreement and Cohen's κ, over pairs of seeds."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet_study.report.statistics.estimates import Array, Estimate

LEAST_RUNS = 3  # for an interval: two runs are one pair


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Means over pairs of runs of different seeds, each with n seeds, for these test images.

    disagreement: the share of images that one run gets right and the other wrong. kappa: Cohen's κ of right or wrong;
    None where a pair has none, both runs being right, or wrong, on all images.
    """

    disagreement: Estimate
    kappa: Estimate | None


def pair_matrices(first: NDArray[np.generic], second: NDArray[np.generic]) -> tuple[Array, Array]:
    """Return disagreement and κ, (n, m) each, of runs (n, N) and (m, N), right or wrong on the same N images.

    κ = 1 − disagreement/(what independent runs of the same accuracies would have); nan where that is 0.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    right_a, right_b = a.mean(1)[:, None], b.mean(1)
    disagreement = (a @ (1 - b).T + (1 - a) @ b.T) / a.shape[1]
    chance = right_a * (1 - right_b) + (1 - right_a) * right_b
    kappa = 1 - np.divide(disagreement, chance, where=chance > 0, out=np.full_like(chance, np.nan))
    return disagreement, kappa


def within(runs: NDArray[np.generic]) -> Agreement | None:
    """Return the agreement among the n(n − 1)/2 pairs of runs (n, N) of one variant; None for n < 2."""
    return _agreement(pair_matrices(runs, runs))


def between(first: NDArray[np.generic], second: NDArray[np.generic]) -> Agreement | None:
    """Return the agreement among the n(n − 1) pairs of a run of each variant, (n, N) both, the same seeds in one order.

    Runs of one seed share weights and order; their pairs are left out, so that these compare with `within`'s. None for
    n < 2.
    """
    return _agreement(pair_matrices(first, second))


def excess(first: NDArray[np.generic], second: NDArray[np.generic]) -> Agreement | None:
    """Return `between` less the mean of the two variants' `within`: what the variant changes beyond the seed."""
    cross, own, other = (pair_matrices(a, b) for a, b in ((first, second), (first, first), (second, second)))
    return _agreement((cross[0] - (own[0] + other[0]) / 2, cross[1] - (own[1] + other[1]) / 2))


def _agreement(matrices: tuple[Array, Array]) -> Agreement | None:
    disagreement, kappa = matrices
    if len(disagreement) < 2:
        return None
    defined = bool(np.isfinite(kappa[~np.eye(len(kappa), dtype=bool)]).all())
    return Agreement(disagreement=pair_mean(disagreement), kappa=pair_mean(kappa) if defined else None)


def pair_mean(matrix: Array) -> Estimate:
    """Return the mean of the entries (n, n) off the diagonal, with the jackknife's standard error over the n seeds.

    Pairs that share a seed are dependent; a seed is left out with all its pairs: error² = (n − 1)/n Σ (θ₍₋ₛ₎ − θ̄)²,
    with n − 1 degrees of freedom. Never too small on average (Efron and Stein, Annals of Statistics 9, 1981), it is too
    large where what two runs disagree on belongs to the pair more than to either of them. No error for n < 3.
    """
    values = np.where(np.eye(len(matrix), dtype=bool), 0.0, matrix)
    n = len(values)
    total = float(values.sum())
    value = total / (n * (n - 1))
    if n < LEAST_RUNS:
        return Estimate(value=value, n=n, error=None, df=None)
    left_out = (total - values.sum(0) - values.sum(1)) / ((n - 1) * (n - 2))
    error = math.sqrt((n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum()))
    return Estimate(value=value, n=n, error=error, df=float(n - 1))
