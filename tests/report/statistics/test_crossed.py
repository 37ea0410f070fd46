"""The interval of seeds and images: its variance against a table of known parts, its limits against plain t."""

import math

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.statistics.crossed import crossed_estimate


def test_images_that_do_not_differ_leave_the_t_interval_over_seeds() -> None:
    by_seed = np.array([0.1, 0.4, 0.2, 0.35])
    found = crossed_estimate(np.repeat(by_seed[:, None], 50, axis=1))
    assert found is not None
    assert found.images == pytest.approx(0, abs=1e-18)
    interval, expected = found.interval(), stats.ttest_1samp(by_seed, 0.0).confidence_interval()
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_seeds_that_do_not_differ_leave_the_t_interval_over_images() -> None:
    by_image = np.random.default_rng(0).normal(size=50)
    found = crossed_estimate(np.repeat(by_image[None], 6, axis=0))
    assert found is not None
    interval, expected = found.interval(), stats.ttest_1samp(by_image, 0.0).confidence_interval()
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_the_two_variances_are_unbiased_and_count_the_interaction_once() -> None:
    rng, n, images, trials = np.random.default_rng(1), 4, 30, 4000
    seed, image, both = 1.0, 2.0, 3.0
    parts = np.zeros((trials, 2))
    for row in parts:
        table = seed * rng.normal(size=(n, 1)) + image * rng.normal(size=images) + both * rng.normal(size=(n, images))
        found = crossed_estimate(table)
        assert found is not None
        row[:] = found.seeds, found.images
    expected = np.array([seed**2 / n + both**2 / (n * images), image**2 / images])
    errors = parts.std(0) / math.sqrt(trials)
    assert (np.abs(parts.mean(0) - expected) < 4 * errors).all()


def test_noise_alone_leaves_no_negative_variance_and_two_runs_are_too_few() -> None:
    checkered = np.indices((4, 10)).sum(0) % 2
    found = crossed_estimate(checkered)
    assert found is not None
    assert found.images == 0
    assert (found.value, found.n, found.images_n) == (0.5, 4, 10)
    assert crossed_estimate(np.ones((2, 10))) is None
