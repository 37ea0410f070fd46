"""The interval of a mean proportion against the delta method by scipy, and its bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from alexnet_study.report.statistics.proportions import proportion_interval

SHARES = st.lists(st.integers(0, 1000).map(lambda hits: hits / 1000), min_size=3, max_size=12)


@given(SHARES.filter(lambda values: len(set(values)) > 1))
def test_it_lies_between_0_and_1_and_holds_the_mean(values: list[float]) -> None:
    interval = proportion_interval(values)
    assert interval is not None
    assert 0 <= interval.low < np.mean(values) < interval.high <= 1


def test_near_one_half_it_is_the_plain_t_interval() -> None:
    values = 0.5 + 0.001 * np.random.default_rng(0).normal(size=8)
    interval, plain = proportion_interval(values), stats.ttest_1samp(values, 0.0).confidence_interval()
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((plain.low, plain.high), abs=1e-6)


def test_on_the_logit_scale_it_is_symmetric_with_the_slope_of_the_logit() -> None:
    values = np.array([0.02, 0.05, 0.03, 0.01])
    interval = proportion_interval(values, 0.9)
    assert interval is not None
    ends = special.logit([interval.low, interval.high])
    assert ends.mean() == pytest.approx(special.logit(values.mean()))
    step = 1e-6
    slope = (special.logit(values.mean() + step) - special.logit(values.mean() - step)) / (2 * step)
    half = stats.t.ppf(0.95, 3) * values.std(ddof=1) / 2
    assert np.ptp(ends) / 2 == pytest.approx(half * slope, rel=1e-6)


def test_no_spread_or_two_runs_have_no_interval() -> None:
    assert proportion_interval([0.5, 0.6]) is None
    assert proportion_interval([0.0, 0.0, 0.0]) is None
    assert proportion_interval([0.4] * 4) is None


def test_a_mean_that_is_rounded_to_1_has_no_interval() -> None:
    values = [1.0] * 5 + [float(np.nextafter(1, 0))]
    assert np.mean(values) == 1
    assert proportion_interval(values) is None
