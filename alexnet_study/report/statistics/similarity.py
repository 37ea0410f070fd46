"""How alike two runs' feature spaces are: centred kernel alignment, and Procrustes alignment of PCA scores."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet_study.report.statistics.resampling import TIES, sign_flips

Matrix: TypeAlias = NDArray[Any]


def centred_gram(features: Matrix) -> Matrix:
    """Return the U-centred Gram matrix (n, n), float32, of features (n, d), n ≥ 4; of norm 1 unless they are flat.

    U-centring (Székely and Rizzo, Annals of Statistics 42, 2014) takes the bias out of the alignment, which with as
    many features as samples would be far above 0 for unrelated features.
    """
    X = np.asarray(features, dtype=np.float64)
    X = X - X.mean(0)
    n = len(X)
    gram = X @ X.T
    np.fill_diagonal(gram, 0.0)
    rows = gram.sum(1)
    gram -= rows[:, None] / (n - 2)
    gram -= rows / (n - 2)
    gram += rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(gram, 0.0)
    norm = np.linalg.norm(gram)
    return np.asarray(gram / norm if norm > 0 else gram, dtype=np.float32)


def alignment(grams: list[Matrix]) -> Matrix:
    """Return the linear centred kernel alignment (k, k) of k feature sets from their `centred_gram`s.

    Kornblith et al., Similarity of Neural Network Representations Revisited, ICML 2019. It is 1 where one is a
    rotation and scaling of the other, about 0 where they are unrelated.
    """
    flat = np.stack([gram.ravel() for gram in grams])
    return np.asarray(flat @ flat.T, dtype=np.float64)


def procrustes(scores: Matrix, reference: Matrix) -> tuple[Matrix, float]:
    """Turn, reflect and scale `scores` (N, 2) as a whole to lie best on `reference` (N, 2), both centred first.

    Also the residual: the share of the reference's variance that is left, 0 … 1, the same whichever is moved.
    """
    moved, fixed = (np.asarray(points, dtype=float) - np.mean(points, axis=0) for points in (scores, reference))
    size, target = float((moved**2).sum()), float((fixed**2).sum())
    if size == 0 or target == 0:
        return np.asarray(moved), 1.0
    left, values, right = np.linalg.svd(moved.T @ fixed)
    reached = float(values.sum())
    return np.asarray(moved @ left @ right * (reached / size)), 1 - reached**2 / (size * target)


def swap_p(within: Matrix) -> tuple[float, float]:
    """Return (mean alignment within variants less that between them, exact p) from alignments (2n, 2n).

    Rows: the first variant's seeds, then the second's, the same seeds. Pairs of equal seed are left out of both means.
    The p swaps the variants within seeds, all 2ⁿ ways: were the variants alike, no way would stand out.
    """
    n = len(within) // 2
    same_seed = np.tile(np.eye(n, dtype=bool), (2, 2))
    signs = np.concatenate([sign_flips(n), -sign_flips(n)], axis=1)  # (flips, 2n), variant as ±1
    usable = np.where(same_seed, 0.0, within)
    pairs = 2 * n * (n - 1)  # ordered pairs of other seeds, within and between alike
    # Σ s_i s_j K_ij is the sum within less the sum between
    differences = np.einsum("fi,ij,fj->f", signs, usable, signs, optimize=True) / pairs
    observed = float(differences[0])
    slack = TIES * max(1.0, abs(observed))
    return observed, float((differences >= observed - slack).mean())
