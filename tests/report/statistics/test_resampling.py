"""Resampling against scipy, brute force and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.statistics import resampling
from alexnet_study.report.statistics.resampling import (
    max_t,
    sign_flip_p,
    sign_flips,
    split_spread,
)


def t_sizes(samples: np.ndarray) -> np.ndarray:
    return np.abs(stats.ttest_1samp(samples, 0.0, axis=0).statistic)


def test_all_flips_up_to_twelve_and_a_sample_beyond() -> None:
    assert {tuple(row) for row in sign_flips(4)} == set(itertools.product((1.0, -1.0), repeat=4))
    many = sign_flips(40)
    assert many.shape == (4096, 40)
    assert (many[0] == 1).all()
    assert abs(many[1:].mean()) < 4 / math.sqrt(many[1:].size)


def test_max_t_is_the_brute_force_over_all_flips() -> None:
    samples = np.random.default_rng(0).normal(0.6, 1, size=(6, 3))
    flips = [t_sizes(samples * np.array(s)[:, None]).max() for s in itertools.product((1, -1), repeat=6)]
    expected = [np.mean(np.array(flips) >= size - 1e-9) for size in t_sizes(samples)]
    assert max_t(samples) == pytest.approx(expected)


def test_one_column_is_scipys_permutation_test() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, size=9)
    oracle = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(values) == pytest.approx(oracle.pvalue)


def test_no_p_is_below_two_in_all_flips() -> None:
    assert sign_flip_p([1.0, 2.0, 3.0, 4.0, 5.0]) == 2 / 2**5
    assert sign_flip_p([1.0] * 5) == 2 / 2**5
    assert sign_flip_p([0.0] * 5) == sign_flip_p([3.0]) == 1.0
    mixed = max_t(np.column_stack([np.zeros(5), np.full(5, 0.3)]))
    assert mixed.tolist() == [1.0, 2 / 2**5]


@pytest.mark.parametrize("n", [8, 14])
def test_max_t_keeps_its_family_wise_size_under_dependence(n: int) -> None:
    rng, trials = np.random.default_rng(2), 600
    shared = rng.normal(size=(trials, n, 1))
    samples = shared + 0.7 * rng.standard_t(3, size=(trials, n, 4))  # heavy tails, equicorrelated
    rejected = np.mean([max_t(sample).min() <= 0.05 for sample in samples])
    assert rejected <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials)
    assert rejected >= 0.05 - 4 * math.sqrt(0.05 * 0.95 / trials) - 2 / 2**n


def test_the_split_is_the_covariance_between_images() -> None:
    """Identity: total less the images' part = (1/N²) Σ over i ≠ j of cov(xᵢ, xⱼ)."""
    rng = np.random.default_rng(3)
    right = rng.uniform(size=(7, 30)) < rng.uniform(size=(7, 1))
    spread = split_spread(right.sum(0), 7, right.mean(1))
    covariance = np.cov(right.T.astype(float))
    assert spread is not None
    assert spread.seeds == pytest.approx((covariance.sum() - np.trace(covariance)) / 30**2)
    assert spread.total == pytest.approx(right.mean(1).var(ddof=1))
    assert split_spread(right[0], 1, [0.5]) is None


def test_the_seeds_part_is_unbiased_and_may_be_negative() -> None:
    rng, trials, n, images = np.random.default_rng(4), 1500, 8, 200
    for sd in (0.0, 0.05):
        found = []
        for _ in range(trials):
            right = rng.uniform(size=(n, images)) < 0.5 + rng.uniform(-1, 1, size=(n, 1)) * sd * math.sqrt(3)
            spread = split_spread(right.sum(0), n, right.mean(1))
            assert spread is not None
            found.append(spread.seeds)
        assert abs(np.mean(found) - sd**2) <= 4 * np.std(found) / math.sqrt(trials)
        assert sd or min(found) < 0


def test_sampled_flips_are_a_power_of_two_with_the_identity() -> None:
    assert resampling.SAMPLED + 1 == 4096
