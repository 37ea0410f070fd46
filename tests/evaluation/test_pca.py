"""PCA against scikit-learn's full SVD, and the invariants that define it."""

from collections.abc import Callable
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import decomposition

from alexnet_study.evaluation import pca
from alexnet_study.evaluation.geometry import participation_ratio
from alexnet_study.evaluation.pca import PCA

Way = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def sample(n: int, d: int, *, rank: int | None = None, offset: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rank = d if rank is None else rank
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d)) + offset


CASES = [
    sample(40, 7),
    sample(5, 20),
    sample(40, 7, offset=1e4),
    sample(40, 9, rank=3),
    np.c_[sample(30, 4), np.ones(30)],
]


WAYS = [pca._by_triangle, pca._by_gram_matrix]  # a CPU's and a GPU's


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("X", CASES, ids=["n>d", "n<d", "large mean", "rank deficient", "constant feature"])
def test_agrees_with_scikit_learn(X: np.ndarray, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca, "_right_singular", way)
    ours, oracle = PCA().fit(X), decomposition.PCA(svd_solver="full").fit(X)
    scale = oracle.explained_variance_[0]
    np.testing.assert_allclose(ours.mean_, oracle.mean_)
    np.testing.assert_allclose(ours.explained_variance_, oracle.explained_variance_, rtol=1e-9, atol=1e-12 * scale)
    np.testing.assert_allclose(ours.explained_variance_ratio_, oracle.explained_variance_ratio_, rtol=1e-9, atol=1e-12)
    rank = int((oracle.explained_variance_ > 1e-9 * scale).sum())
    cosines = np.abs((ours.components_[:rank] * oracle.components_[:rank]).sum(1))
    np.testing.assert_allclose(cosines, 1, atol=1e-9)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@given(st.integers(2, 30), st.integers(1, 20), st.integers(1, 20), st.integers(0, 10**6))
def test_invariants(way: Way, n: int, d: int, rank: int, seed: int) -> None:
    X = sample(n, d, rank=min(rank, d), offset=3.0, seed=seed)
    with mock.patch.object(pca, "_right_singular", way):
        fitted = PCA().fit(X)
    scores = fitted.transform(X)
    np.testing.assert_allclose(fitted.components_ @ fitted.components_.T, np.eye(min(n, d)), atol=1e-10)
    np.testing.assert_allclose(scores.var(0, ddof=1), fitted.explained_variance_, rtol=1e-8, atol=1e-10)
    assert fitted.explained_variance_ratio_.sum() == pytest.approx(1)
    np.testing.assert_allclose(fitted.inverse_transform(scores), X, atol=1e-9)
    largest = fitted.components_[np.arange(min(n, d)), np.abs(fitted.components_).argmax(1)]
    assert (largest > 0).all()


def test_the_ratio_of_kept_components_is_of_the_total_variance() -> None:
    X = sample(40, 7)
    np.testing.assert_allclose(PCA(2).fit(X).explained_variance_ratio_, PCA().fit(X).explained_variance_ratio_[:2])
    assert PCA(2).fit_transform(X).shape == (40, 2)


def test_tensors_in_tensors_out() -> None:
    X = sample(30, 5)
    ours = PCA().fit(torch.from_numpy(X))
    assert isinstance(ours.components_, torch.Tensor)
    np.testing.assert_allclose(ours.transform(torch.from_numpy(X)).numpy(), PCA().fit(X).transform(X))


def test_constant_data_has_no_variance_to_explain() -> None:
    constant = PCA().fit(np.full((4, 3), 7.0))
    assert (constant.explained_variance_ratio_ == 0).all()
    assert participation_ratio(constant.explained_variance_) is None


@pytest.mark.parametrize(
    ("X", "n_components"),
    [(np.ones(3), None), (np.ones((1, 3)), None), (np.array([[1.0, np.nan], [1, 2]]), None), (np.ones((4, 0)), None)]
    + [(np.ones((4, 3)), k) for k in (0, 4, -1, 2.0, True)],
)
def test_refuses(X: np.ndarray, n_components: int | None) -> None:
    with pytest.raises(ValueError, match=r"X|n_components"):
        PCA(n_components).fit(X)


def test_refuses_before_fit_and_other_widths() -> None:
    with pytest.raises(ValueError, match="fit"):
        PCA().transform(sample(3, 2))
    with pytest.raises(ValueError, match="features"):
        PCA().fit(sample(5, 3)).transform(sample(5, 2))


def test_participation_ratio_counts_equal_directions() -> None:
    assert participation_ratio(np.array([2.0, 2, 2, 0])) == pytest.approx(3)
