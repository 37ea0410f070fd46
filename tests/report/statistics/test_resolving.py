"""What n resolves, against the integral of the power."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from alexnet_study.report.statistics.estimates import holm, mean
from alexnet_study.report.statistics.resolving import resolution, seeds_needed, verdict_levels


def power(effect: float, sd: float, n: int, level: float) -> float:
    """Of a two-sided t test, integrated over the law of the sample's standard deviation; scipy's nct gives nan."""
    critical, shift = stats.t.ppf(1 - level / 2, n - 1), effect * math.sqrt(n) / sd

    def density(variance: float) -> float:
        bound = critical * math.sqrt(variance / (n - 1))
        found = special.ndtr(shift - bound) + special.ndtr(-shift - bound)
        return float(found * math.exp(-variance / 2 + (n - 3) / 2 * math.log(variance)))

    scale = 2 ** ((n - 1) / 2) * math.gamma((n - 1) / 2)
    whole, _ = integrate.quad(density, 0, n - 1, limit=200)
    rest, _ = integrate.quad(density, n - 1, 20 * n + 60, limit=200)
    return (whole + rest) / scale


@pytest.mark.parametrize("level", [0.05, 0.05 / 13, 0.2 * 0.05 / 13])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_difference_has_its_power_at_the_level(n: int, level: float) -> None:
    values = np.random.default_rng(n).normal(0.4, 2, size=n)
    found = resolution(mean(values), level)
    assert found is not None
    sd = values.std(ddof=1)
    assert power(found.difference, sd, n, level) == pytest.approx(0.8, abs=1e-4)
    expected = stats.t.interval(1 - level, n - 1, values.mean(), sd / math.sqrt(n))
    assert (found.interval.low, found.interval.high) == pytest.approx(expected)
    upper_sd = sd * math.sqrt((n - 1) / stats.chi2.ppf(0.05, n - 1))
    assert found.upper == pytest.approx(found.difference * upper_sd / sd)


@pytest.mark.parametrize("effect", [0.3, 0.6, 1.5, 4.0])
def test_the_seeds_needed_are_the_least_with_the_power(effect: float) -> None:
    values = np.array([-1.0, 0.0, 1.0, 0.5, -0.5])
    values = effect + (values - values.mean()) / values.std(ddof=1)
    level = 0.05 / 4
    n = seeds_needed(mean(values), level)
    assert n is not None
    assert power(effect, 1.0, n, level) >= 0.8 - 1e-6
    assert n == 2 or power(effect, 1.0, n - 1, level) < 0.8
    shifted = seeds_needed(mean(values + 7), level, null=7.0)
    assert shifted == n


def test_no_effect_is_out_of_reach_and_no_spread_resolves_nothing() -> None:
    assert seeds_needed(mean([-1.0, 1.0]), 0.05) is None
    assert resolution(mean([1.0]), 0.05) is None
    assert resolution(mean([2.0, 2.0, 2.0]), 0.05) is None
    assert seeds_needed(mean([2.0, 2.0, 2.0]), 0.05) is None


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1).map(lambda p: p**4)), min_size=1, max_size=8),
    st.sampled_from([0.2, 0.8, 1.0]),
)
def test_a_claim_is_rejected_by_holm_exactly_where_its_p_is_below_its_level(
    p_values: list[float | None], share: float
) -> None:
    levels = verdict_levels(p_values, share)
    for p, adjusted, level in zip(p_values, holm(p_values), levels, strict=True):
        if p is not None and adjusted is not None and abs(adjusted - share * 0.05) > 1e-12:
            assert (p < level) == (adjusted < share * 0.05)
        assert share * 0.05 / len(p_values) - 1e-12 <= level <= share * 0.05


def test_levels_by_hand() -> None:
    assert verdict_levels([0.001, 0.5, None, 0.9]) == pytest.approx([0.05 / 4, 0.05 / 3, 0.05 / 3, 0.05 / 3])
    assert verdict_levels([0.002, 0.001], share=0.2) == pytest.approx([0.01, 0.005])
    assert verdict_levels([]) == []
