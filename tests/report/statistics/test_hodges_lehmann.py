"""The estimate and its interval against brute force over all signs, and scipy's signed-rank test."""

import itertools

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.statistics.hodges_lehmann import hodges_lehmann, signed_rank_law


@pytest.mark.parametrize("n", [1, 4, 9])
def test_the_law_is_that_of_all_signs(n: int) -> None:
    sums = [sum(r for r, s in enumerate(signs, 1) if s) for signs in itertools.product((0, 1), repeat=n)]
    assert signed_rank_law(n) == pytest.approx(np.bincount(sums) / 2**n)


def test_the_estimate_is_the_median_of_all_pairs() -> None:
    values = np.random.default_rng(0).normal(size=8)
    pairs = [(values[i] + values[j]) / 2 for i in range(8) for j in range(i, 8)]
    assert hodges_lehmann(values).value == pytest.approx(np.median(pairs))
    with pytest.raises(ValueError, match="at least one"):
        hodges_lehmann([])


@pytest.mark.parametrize("n", [6, 7, 10, 20])
def test_the_interval_holds_what_wilcoxons_test_does_not_refuse(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    found = hodges_lehmann(values)
    assert found.interval is not None
    assert found.attained is not None
    for end, inwards in ((found.interval.low, 1), (found.interval.high, -1)):
        inside, outside = (
            stats.wilcoxon(values - end - step * inwards, method="exact").pvalue for step in (1e-9, -1e-9)
        )
        assert outside <= 1 - found.attained + 1e-12 <= 0.05
        assert inside > 0.05
    assert found.value in found.interval


@pytest.mark.parametrize(("n", "attained"), [(3, 0.75), (4, 0.875), (5, 0.9375), (6, 0.96875)])
def test_few_values_have_the_widest_interval_and_its_level(n: int, attained: float) -> None:
    found = hodges_lehmann(np.arange(float(n)))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high, found.attained) == (0.0, n - 1.0, attained)


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_three_values_have_none(n: int) -> None:
    found = hodges_lehmann(np.ones(n))
    assert (found.value, found.interval, found.attained) == (1.0, None, None)


def test_less_than_the_most_is_as_asked_for() -> None:
    values = np.arange(5.0)
    assert hodges_lehmann(values, level=0.9).attained == 0.9375
    assert hodges_lehmann(values, level=0.8).attained == 0.8125


def test_one_collapsed_run_in_twenty_hardly_moves_it() -> None:
    values = np.random.default_rng(1).normal(size=20)
    moved = values.copy()
    moved[3] = -60
    sound, found = hodges_lehmann(values), hodges_lehmann(moved)
    assert abs(found.value - sound.value) < 0.3
    assert found.interval is not None
    assert found.interval.low > -2


@pytest.mark.parametrize(("collapsed", "least"), [(1, 12), (2, 17)])
def test_from_how_many_runs_on_its_interval_stays_short(collapsed: int, least: int) -> None:
    for n in range(6, 25):
        values = np.linspace(-1, 1, n)
        values[:collapsed] = -1000
        interval = hodges_lehmann(values).interval
        assert interval is not None
        assert (interval.low > -2) == (n >= least)
