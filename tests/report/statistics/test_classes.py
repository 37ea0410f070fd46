"""Class gains beyond the mean gain, against brute force."""

import itertools

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.statistics.classes import class_advantages


def test_p_is_the_brute_force_over_all_flips_of_centred_differences() -> None:
    differences = np.random.default_rng(0).normal(1, 1, size=(6, 4))
    differences[:, 2] += 2
    centred = differences - differences.mean(1, keepdims=True)
    sizes = np.abs(stats.ttest_1samp(centred, 0.0).statistic)
    flips = [
        np.abs(stats.ttest_1samp(centred * np.array(signs)[:, None], 0.0).statistic).max()
        for signs in itertools.product((1, -1), repeat=6)
    ]
    found = class_advantages(differences)
    assert found is not None
    assert found.p == pytest.approx([np.mean(np.array(flips) >= size * (1 - 1e-9)) for size in sizes])
    assert found.gains == pytest.approx(differences.mean(0))
    assert found.beyond == pytest.approx(centred.mean(0))
    assert (found.mean_gain, found.n, found.least) == (pytest.approx(differences.mean()), 6, 2 / 2**6)


def test_a_uniform_gain_is_beyond_nothing_and_leaves_p_alone() -> None:
    differences = np.random.default_rng(1).normal(size=(8, 5))
    plain, moved = class_advantages(differences), class_advantages(differences + 10)
    assert plain is not None
    assert moved is not None
    assert moved.p == pytest.approx(plain.p)
    assert moved.beyond == pytest.approx(plain.beyond)
    alike = class_advantages(np.full((8, 5), 0.1))
    assert alike is not None
    assert alike.p == (1.0,) * 5


def test_two_classes_mirror_each_other() -> None:
    found = class_advantages(np.random.default_rng(2).normal(size=(7, 2)) + [0, 3])
    assert found is not None
    assert found.p[0] == found.p[1]
    assert found.beyond[0] == pytest.approx(-found.beyond[1])
    assert class_advantages(np.ones((1, 3))) is None
