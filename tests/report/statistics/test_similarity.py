"""Alignment of feature spaces: what must not change it, scipy, and brute force."""

import itertools

import numpy as np
import pytest
from scipy.spatial import procrustes as oracle
from scipy.stats import ortho_group

from alexnet_study.report.statistics.similarity import alignment, centred_gram, procrustes, swap_p

RNG = np.random.default_rng(0)


def unbiased_alignment(x: np.ndarray, y: np.ndarray) -> float:
    """Song et al.'s unbiased HSIC (JMLR 13, 2012), term by term, as a ratio."""

    def hsic(a: np.ndarray, b: np.ndarray) -> float:
        n = len(a)
        k, m = (g - np.diag(np.diag(g)) for g in (a @ a.T, b @ b.T))
        ones = np.ones(n)
        first = np.trace(k @ m)
        second = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
        third = 2 / (n - 2) * (ones @ k @ m @ ones)
        return float((first + second - third) / (n * (n - 3)))

    return hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))


def test_alignment_is_the_ratio_of_unbiased_dependences() -> None:
    x, y = RNG.normal(size=(30, 5)) + 3, RNG.normal(size=(30, 8))
    y[:, :3] += x[:, :3]
    found = alignment([centred_gram(x), centred_gram(y)])
    assert found[0, 1] == pytest.approx(unbiased_alignment(x, y), rel=1e-4)
    assert found[0, 0] == pytest.approx(1, rel=1e-5)


def test_rotation_scale_and_offset_leave_it_as_it_is_and_unrelated_features_have_none() -> None:
    x = RNG.normal(size=(200, 300))  # more features than samples: a biased estimate would be about 0.6
    turned = 7 * x @ ortho_group.rvs(300, random_state=1) + 5
    found = alignment([centred_gram(f) for f in (x, turned, RNG.normal(size=(200, 300)))])
    assert found[0, 1] == pytest.approx(1, abs=1e-3)
    assert abs(found[0, 2]) < 0.05
    assert not centred_gram(np.ones((5, 2))).any()


def test_procrustes_is_scipys() -> None:
    x = RNG.normal(size=(50, 2)) * [3, 1]
    turn = np.array([[0, -1], [-1, 0]])  # with a reflection
    y = 0.2 * x @ turn + 4 + RNG.normal(0, 0.05, size=(50, 2))
    placed, residual = procrustes(y, x)
    assert residual == pytest.approx(oracle(x, y)[2])
    assert residual == pytest.approx(procrustes(x, y)[1])
    assert 1 - ((placed - (x - x.mean(0))) ** 2).sum() / ((x - x.mean(0)) ** 2).sum() == pytest.approx(1 - residual)
    assert procrustes(np.ones((5, 2)), x[:5])[1] == 1


def test_the_swap_test_is_the_brute_force_over_all_swaps() -> None:
    n = 4
    points = RNG.normal(size=(2 * n, 3)) + np.repeat([[0.0], [0.4]], n, axis=0)
    similarity = points @ points.T

    def difference(first: list[int], second: list[int]) -> float:
        within = [similarity[i, j] for side in (first, second) for i in side for j in side if i % n != j % n]
        between = [similarity[i, j] for i in first for j in second if i % n != j % n]
        return float(np.mean(within) - np.mean(between))

    swaps = [
        difference([i + n * s for i, s in enumerate(swap)], [i + n * (1 - s) for i, s in enumerate(swap)])
        for swap in itertools.product((0, 1), repeat=n)
    ]
    observed, p = swap_p(similarity)
    assert observed == pytest.approx(swaps[0])
    assert p == pytest.approx(np.mean(np.array(swaps) >= swaps[0] - 1e-9))
