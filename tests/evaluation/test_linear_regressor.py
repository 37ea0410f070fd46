"""The linear regressor against scikit-learn's Ridge, and its leave-one-out choice against leaving one out."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge, RidgeCV

from alexnet_study.evaluation.linear_regressor import (
    DECADES,
    STEPS_PER_DECADE,
    LinearRegressor,
    _decompose_together,
    _Ridge,
    fit_each,
)


def problem(n: int, d: int, classes: int = 3, *, noise: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(classes, d))[y] + noise * rng.normal(size=(n, d)) + 5, y


def grid(X: np.ndarray) -> np.ndarray:
    centred = X - X.mean(0)
    scale = (centred**2).sum() / X.shape[1]
    low, high = DECADES
    return scale * 10.0 ** np.linspace(low, high, (high - low) * STEPS_PER_DECADE + 1)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (20, 40)])
def test_equals_scikit_learns_ridge(n: int, d: int) -> None:
    X, y = problem(n, d)
    ours = LinearRegressor(alpha=2.5).fit(X, y)
    oracle = Ridge(alpha=2.5).fit(X, np.eye(3)[y])
    np.testing.assert_allclose(ours.coef_, oracle.coef_, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, oracle.intercept_, atol=1e-9)
    np.testing.assert_allclose(ours.decision_function(X).sum(1), 1)


@pytest.mark.parametrize(("n", "d", "noise"), [(80, 5, 1.0), (80, 5, 5.0), (30, 50, 2.0)])
def test_chooses_the_strength_that_leaving_one_out_chooses(n: int, d: int, noise: float) -> None:
    X, y = problem(n, d, noise=noise)
    targets = np.eye(3)[y]

    def brute_force(alpha: float) -> float:
        keep = [np.delete(np.arange(n), i) for i in range(n)]
        residuals = [
            targets[i] - Ridge(alpha=alpha).fit(X[k], targets[k]).predict(X[[i]])[0] for i, k in enumerate(keep)
        ]
        return float(np.mean(np.square(residuals)))

    alphas = grid(X)
    expected = alphas[np.argmin([brute_force(alpha) for alpha in alphas])]
    assert LinearRegressor().fit(X, y).alpha_ == pytest.approx(expected)
    assert RidgeCV(alphas=alphas, scoring=None).fit(X, targets).alpha_ == pytest.approx(expected)


def test_the_grid_is_extended_when_the_least_lies_at_an_edge() -> None:
    X, y = problem(200, 3, noise=0.0)
    X = X + 1e-9 * np.random.default_rng(1).normal(size=X.shape)
    assert LinearRegressor().fit(X, y).alpha_ < grid(X)[0]
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 60)), rng.integers(0, 3, 40)
    assert LinearRegressor().fit(X, y).alpha_ > grid(X)[-1]


def test_several_matrices_at_once_are_fitted_as_each_alone() -> None:
    matrices = [problem(60, d, seed=seed)[0] for seed, d in enumerate((5, 8, 5))]
    labels = problem(60, 5)[1]
    for ours, X in zip(fit_each(matrices, labels), matrices, strict=True):
        alone = LinearRegressor().fit(X, labels)
        assert ours.alpha_ == alone.alpha_
        assert (ours.coef_ == alone.coef_).all()


def test_matrices_of_one_shape_are_decomposed_at_once_on_a_gpu() -> None:
    """A batch of eigendecompositions gives each problem its own, whichever device makes them."""
    matrices = [torch.from_numpy(problem(60, 5, seed=seed)[0]) for seed in (0, 1)]
    problems = [_Ridge(X, torch.eye(3, dtype=torch.float64)[torch.arange(60) % 3]) for X in matrices]
    _decompose_together(problems)
    for each, X in zip(problems, matrices, strict=True):
        oracle = np.linalg.eigvalsh(np.cov(X.numpy().T, bias=True) * 60)
        np.testing.assert_allclose(each.values, oracle)
        np.testing.assert_allclose(each.vectors.T @ each.vectors, np.eye(5), atol=1e-12)


def test_predicts_labels_as_given_for_tensors_too() -> None:
    X, y = problem(90, 4, noise=0.1)
    labels = np.array([7, -1, 3])[y]
    ours = LinearRegressor().fit(X, labels)
    assert (ours.predict(X) == labels).all()
    tensors = LinearRegressor().fit(torch.from_numpy(X), torch.from_numpy(labels))
    assert torch.equal(tensors.predict(torch.from_numpy(X)), torch.from_numpy(labels))


def test_constant_features_predict_the_commonest_class() -> None:
    ours = LinearRegressor().fit(np.ones((5, 3)), np.array([0, 1, 1, 1, 2]))
    assert (ours.predict(np.ones((2, 3))) == 1).all()


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((1, 2)), np.zeros(1, int)),
        (np.ones(3), np.zeros(3, int)),
        (np.full((3, 2), np.nan), np.zeros(3, int)),
        (np.ones((3, 2)), np.zeros(4, int)),
        (np.ones((3, 2)), np.zeros(3)),
    ],
)
def test_refuses(X: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"X|y"):
        LinearRegressor().fit(X, y)


def test_refuses_a_bad_strength_and_use_before_fit() -> None:
    X, y = problem(10, 2)
    with pytest.raises(ValueError, match="alpha"):
        LinearRegressor(alpha=float("nan")).fit(X, y)
    with pytest.raises(ValueError, match="fit"):
        LinearRegressor().predict(X)
