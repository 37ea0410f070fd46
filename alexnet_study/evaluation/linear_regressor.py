"""The linear regressor: ridge regression from features to one-hot classes, its strength chosen by leave-one-out.

With centred X = U S Vᵀ, the hat matrix of ridge regression with an unpenalised intercept has the diagonal
hᵢ = 1/n + Σⱼ (XV)ᵢⱼ² / (sⱼ² + α), and a sample's leave-one-out residual is rᵢ / (1 − hᵢ), exactly
(Golub, Heath and Wahba, Technometrics 21, 1979; Hastie, Tibshirani and Friedman, section 7.10).
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from alexnet_study.evaluation.arrays import Array, check_matrix, like

DECADES = (-6, 3)  # the grid of strengths, relative to the mean eigenvalue of XᵀX
STEPS_PER_DECADE = 2
MOST_DECADES = 12  # how far the grid may be extended beyond either end
ROWS = 2048  # float64 work is done in blocks of rows, so that memory stays small


class LinearRegressor:
    """Ridge regression of one-hot labels on X, read as a classifier: the class with the largest prediction.

    alpha: the strength, as in scikit-learn's `Ridge`, one for all classes; None chooses the one with the least mean
    squared leave-one-out residual on a logarithmic grid, 1e-6 … 1e3 times the mean eigenvalue of XᵀX (X centred),
    extended while the least lies at an edge.

    Fitted attributes, of the kind of the fitted X: classes_ (C,) sorted labels, coef_ (C, d), intercept_ (C,), alpha_.
    """

    def __init__(self, alpha: float | None = None) -> None:
        self.alpha = alpha

    def fit(self, X: Array, y: Array) -> Self:
        """Fit to X (n, d), n ≥ 2, and integer labels y (n,).

        Raise ValueError for NaN, wrong shapes or too few samples.
        """
        problem = self._problem(X, y)
        _decompose([problem])
        return self._solve(problem, X)

    def _problem(self, X: Array, y: Array) -> "_Ridge":
        samples = check_matrix(X, min_samples=2)
        labels = _check_labels(y, samples)
        classes, indices = torch.unique(labels, return_inverse=True)
        self.classes_ = like(classes, X)
        return _Ridge(samples, one_hot(indices, len(classes)).to(torch.float64))

    def _solve(self, problem: "_Ridge", X: Array) -> Self:
        alpha = _check_alpha(self.alpha) if self.alpha is not None else problem.best_alpha()
        alphas = torch.tensor([alpha], dtype=torch.float64, device=problem.samples.device)
        coefficients = problem.coefficients(alphas)[0]  # (d, C)
        self.alpha_ = alpha
        self.coef_ = like(coefficients.T.contiguous(), X)
        self.intercept_ = like(problem.target_mean - problem.mean @ coefficients, X)
        return self

    def decision_function(self, X: Array) -> Any:
        """Return predicted one-hot targets (n, C) in float64; each row sums to 1."""
        if not hasattr(self, "coef_"):
            raise ValueError("this LinearRegressor is not fitted yet; call fit first")
        coef, intercept = torch.as_tensor(self.coef_), torch.as_tensor(self.intercept_)
        samples = check_matrix(X, features=coef.shape[1])
        return like(torch.cat([block.to(coef) @ coef.T + intercept for block in samples.split(ROWS)]), X)

    def predict(self, X: Array) -> Any:
        """Return labels (n,): for each sample the class with the largest prediction."""
        scores = torch.as_tensor(self.decision_function(X))
        return like(torch.as_tensor(self.classes_)[scores.argmax(1)], X)


def fit_each(matrices: Sequence[Array], y: Array) -> list[LinearRegressor]:
    """Return a regressor fitted to each X (n, d) and the same labels y (n,), as `fit` does, on a GPU sooner than so."""
    regressors = [LinearRegressor() for _ in matrices]
    problems = [regressor._problem(X, y) for regressor, X in zip(regressors, matrices, strict=True)]
    _decompose(problems)
    return [each._solve(problem, X) for each, problem, X in zip(regressors, problems, matrices, strict=True)]


class _Ridge:
    """Ridge regression of targets (n, C) on samples (n, d) for many strengths, from one eigendecomposition of XᵀX.

    It can be used once `_decompose` has made that.
    """

    values: Tensor  # (d,), squares of the singular values, ascending
    vectors: Tensor  # (d, d)

    def __init__(self, samples: Tensor, targets: Tensor) -> None:
        self.samples, self.targets = samples, targets
        self.mean = torch.stack([block.double().sum(0) for block in samples.split(ROWS)]).sum(0) / len(samples)  # (d,)
        self.target_mean = targets.mean(0)  # (C,)
        gram = torch.zeros(samples.shape[1], samples.shape[1], dtype=torch.float64, device=samples.device)
        moment = torch.zeros(samples.shape[1], targets.shape[1], dtype=torch.float64, device=samples.device)
        for block, target in zip(samples.split(ROWS), targets.split(ROWS), strict=True):
            centred = block.double() - self.mean
            _add_gram(gram, centred)
            moment += centred.T @ (target - self.target_mean)
        self.gram, self._moment = gram, moment

    def use(self, values: Tensor, vectors: Tensor) -> None:
        """Use the eigenvalues (d,) and eigenvectors (d, d) of `gram`."""
        self.values, self.vectors = values.clamp_min(0), vectors
        self.moment = vectors.T @ self._moment  # (d, C)

    def coefficients(self, alphas: Tensor) -> Tensor:
        """Return coefficients (A, d, C) for strengths (A,)."""
        return self.vectors @ self._rotated(alphas)

    def best_alpha(self) -> float:
        """Return the strength with the least mean squared leave-one-out residual; 1 where X is constant."""
        scale = float(self.values.mean())
        if scale == 0:
            return 1.0
        low, high = DECADES
        while True:
            exponents = np.linspace(low, high, (high - low) * STEPS_PER_DECADE + 1)
            alphas = torch.tensor(scale * 10.0**exponents, dtype=torch.float64, device=self.values.device)
            errors = self.leave_one_out_error(alphas)
            best = int(errors.argmin())
            if best == 0 and low > DECADES[0] - MOST_DECADES:
                low -= 3
            elif best == len(alphas) - 1 and high < DECADES[1] + MOST_DECADES:
                high += 3
            else:
                return float(alphas[best])

    def leave_one_out_error(self, alphas: Tensor) -> Tensor:
        """Return the mean squared leave-one-out residual over samples and classes, (A,), summed in float64."""
        precision = self._residual_precision()
        vectors, targets = self.vectors.to(precision), (self.targets - self.target_mean).to(precision)
        shrunk = (1 / (self.values[:, None] + alphas)).to(precision)  # (d, A)
        rotated = self._rotated(alphas).to(precision)  # (A, d, C)
        flat = rotated.permute(1, 0, 2).flatten(1)  # (d, A·C)
        total = torch.zeros_like(alphas)
        for block, target in zip(self.samples.split(ROWS), targets.split(ROWS), strict=True):
            scores = (block.double() - self.mean).to(precision) @ vectors  # (rows, d)
            leverage = 1 / len(self.samples) + scores**2 @ shrunk  # (rows, A)
            residual = target[:, None] - (scores @ flat).unflatten(1, (len(alphas), -1))  # (rows, A, C)
            squares = (residual**2).sum(2) / (1 - leverage).clamp_min(torch.finfo(precision).eps) ** 2
            total += squares.sum(0, dtype=torch.float64)
        return total / self.targets.numel()

    def _residual_precision(self) -> torch.dtype:
        """float64; float32 is enough for float32 samples whose leverages, d / n in the mean, are well below 1."""
        samples, features = self.samples.shape
        enough = self.samples.dtype == torch.float32 and samples >= 4 * features
        return torch.float32 if enough else torch.float64

    def _rotated(self, alphas: Tensor) -> Tensor:
        """Coefficients in the basis of eigenvectors, (A, d, C)."""
        return self.moment / (self.values + alphas[:, None])[:, :, None]


def _decompose(problems: Sequence[_Ridge]) -> None:
    """Decompose XᵀX of each problem; on a GPU those of one shape at once.

    A GPU would take them one after another, and each leaves most of it idle. A CPU does take them so: its bits stay.
    """
    groups: dict[object, list[_Ridge]] = {}
    for problem in problems:
        groups.setdefault(problem.gram.shape if problem.gram.is_cuda else problem, []).append(problem)
    for group in groups.values():
        _decompose_together(group)


def _decompose_together(problems: Sequence[_Ridge]) -> None:
    grams = torch.stack([problem.gram for problem in problems])
    for problem, values, vectors in zip(problems, *torch.linalg.eigh(grams), strict=True):  # of the lower triangles
        problem.use(values, vectors)


def _add_gram(gram: Tensor, centred: Tensor) -> None:
    """Add XᵀX of centred (n, d) to gram (d, d): the blocks on and below the diagonal, 5/8 of the whole's work."""
    width = max(1, -(-len(gram) // 4))
    for start in range(0, len(gram), width):
        gram[start:, start : start + width] += centred[:, start:].T @ centred[:, start : start + width]


def _check_alpha(alpha: float) -> float:
    if not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha={alpha!r}; expected None or a finite number above 0")
    return float(alpha)


def _check_labels(y: Array, samples: Tensor) -> Tensor:
    labels = torch.as_tensor(y).to(samples.device)
    if labels.ndim != 1 or len(labels) != len(samples):
        raise ValueError(f"y has shape {tuple(labels.shape)}; expected ({len(samples)},)")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"y has dtype {labels.dtype}; expected integer labels")
    return labels.long()
