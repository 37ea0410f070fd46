"""Disagreement and κ against scikit-learn, the jackknife against leaving out seeds by hand."""

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from alexnet_study.report.statistics import churn


@pytest.fixture
def runs() -> np.ndarray:
    """Two variants, five seeds, 80 images: right or wrong."""
    rng = np.random.default_rng(0)
    return rng.uniform(size=(2, 5, 80)) < rng.uniform(size=80)


def test_every_pair_is_scikit_learns(runs: np.ndarray) -> None:
    first, second = runs
    disagreement, kappa = churn.pair_matrices(first, second)
    for i, j in itertools.product(range(5), repeat=2):
        assert disagreement[i, j] == pytest.approx((first[i] != second[j]).mean())
        assert kappa[i, j] == pytest.approx(cohen_kappa_score(first[i], second[j]))


def test_means_are_over_pairs_of_different_seeds(runs: np.ndarray) -> None:
    first, second = runs
    pairs = list(itertools.permutations(range(5), 2))
    own = [np.mean([cohen_kappa_score(v[i], v[j]) for i, j in pairs]) for v in runs]
    cross = np.mean([cohen_kappa_score(first[i], second[j]) for i, j in pairs])
    within, between, excess = churn.within(first), churn.between(first, second), churn.excess(first, second)
    for found, expected in ((within, own[0]), (between, cross), (excess, cross - sum(own) / 2)):
        assert found is not None
        assert found.kappa is not None
        assert found.kappa.value == pytest.approx(expected)
        assert found.disagreement.df == 4


def test_the_error_is_the_jackknife_by_hand(runs: np.ndarray) -> None:
    matrix = churn.pair_matrices(*runs)[0]
    left_out = []
    for seed in range(5):
        rest = np.delete(np.delete(matrix, seed, 0), seed, 1)
        left_out.append(rest[~np.eye(4, dtype=bool)].mean())
    expected = math.sqrt(4 / 5 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    assert churn.pair_mean(matrix).error == pytest.approx(expected)


def test_runs_that_are_right_on_everything_have_no_kappa_and_two_runs_no_interval() -> None:
    perfect = churn.within(np.ones((3, 10), dtype=bool))
    assert perfect is not None
    assert (perfect.kappa, perfect.disagreement.value) == (None, 0.0)
    pair = churn.within(np.array([[True, False, True], [True, True, False]]))
    assert pair is not None
    assert pair.disagreement.value == pytest.approx(2 / 3)
    assert pair.disagreement.interval() is None
    assert churn.within(np.ones((1, 10), dtype=bool)) is None
