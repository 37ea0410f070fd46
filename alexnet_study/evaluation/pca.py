"""Principal component analysis, in float64, with scikit-learn's conventions."""

from typing import Any, Self

import torch
from torch import Tensor

from alexnet_study.evaluation.arrays import Array, check_matrix, like


class PCA:
    """Principal components of X (n, d), centred first; exact.

    n_components: how many are kept, 1 … min(n, d); None keeps all.

    Fitted attributes, of the kind (numpy array or tensor, float64) of the fitted X; k components:
      mean_ (d,), components_ (k, d), orthonormal rows, each with its largest loading positive,
      explained_variance_ (k,), λᵢ = sᵢ² / (n − 1), descending,
      explained_variance_ratio_ (k,), λᵢ over the total variance, of all components kept or not; 0 where X is constant.
    """

    def __init__(self, n_components: int | None = None) -> None:
        self.n_components = n_components

    def fit(self, X: Array, y: object = None) -> Self:
        """Fit to X (n, d), n ≥ 2.

        Raise ValueError for NaN, wrong shapes, too few samples or an impossible n_components.
        """
        samples = check_matrix(X, min_samples=2).to(torch.float64)
        kept = self._kept(*samples.shape)
        mean = samples.mean(0)
        values, rows = _right_singular(samples - mean)
        variance = values**2 / (len(samples) - 1)
        total = variance.sum()
        ratio = variance / total if total > 0 else torch.zeros_like(variance)
        self.mean_ = like(mean, X)
        self.components_ = like(_positive_largest(rows)[:kept], X)
        self.explained_variance_ = like(variance[:kept], X)
        self.explained_variance_ratio_ = like(ratio[:kept], X)
        self.n_components_ = kept
        return self

    def transform(self, X: Array) -> Any:
        """Return scores (n, k): X centred with mean_, projected on components_."""
        mean, components = self._fitted()
        samples = check_matrix(X, features=len(mean))
        return like((samples.to(mean) - mean) @ components.T, X)

    def fit_transform(self, X: Array, y: object = None) -> Any:
        """Fit to X (n, d), as `fit` does, and return the scores of X (n, k)."""
        return self.fit(X).transform(X)

    def inverse_transform(self, scores: Array) -> Any:
        """Return the points (n, d) with the given scores (n, k)."""
        mean, components = self._fitted()
        return like(check_matrix(scores, features=len(components)).to(mean) @ components + mean, scores)

    def _kept(self, samples: int, features: int) -> int:
        most, asked = min(samples, features), self.n_components
        if asked is None:
            return most
        if isinstance(asked, bool) or not isinstance(asked, int) or not 1 <= asked <= most:
            raise ValueError(f"n_components={asked!r}; expected None or an integer from 1 to {most}")
        return asked

    def _fitted(self) -> tuple[Tensor, Tensor]:
        if not hasattr(self, "components_"):
            raise ValueError("this PCA is not fitted yet; call fit first")
        return torch.as_tensor(self.mean_), torch.as_tensor(self.components_)


def _right_singular(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values (r,), descending, and right singular vectors (r, d) of centred (n, d), r = min(n, d).

    A GPU's own SVD (Jacobi's) takes many times as long as the eigenvectors of XᵀX.
    """
    return _by_gram_matrix(centred) if centred.is_cuda else _by_triangle(centred)


def _by_triangle(centred: Tensor) -> tuple[Tensor, Tensor]:
    """By way of R of the QR decomposition, which has the same ones and at most d rows."""
    triangular = torch.linalg.qr(centred, mode="r").R
    _, values, rows = torch.linalg.svd(triangular, full_matrices=False)
    return values, rows


def _by_gram_matrix(centred: Tensor) -> tuple[Tensor, Tensor]:
    """By way of XᵀX, whose eigenvalues are their squares: right to about 1e-16 of the largest square."""
    squares, vectors = torch.linalg.eigh(centred.T @ centred)
    kept = min(centred.shape)
    return squares.flip(0)[:kept].clamp_min(0).sqrt(), vectors.T.flip(0)[:kept]


def _positive_largest(rows: Tensor) -> Tensor:
    """Each row times ±1, so that its entry of largest size is positive."""
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    return rows * torch.where(largest < 0, -1.0, 1.0)
