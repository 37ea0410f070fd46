"""The joint rank against brute force, the density against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from alexnet_study.report.statistics.joint import (
    joint_power,
    joint_rank,
    log_predictive_density,
    runs_to_refuse,
)


def brute_force(points: np.ndarray) -> list[float]:
    """Mean distance of each point to the others, figures in standard deviations of all points."""
    scaled = points / points.std(0, ddof=1)
    distances = distance.squareform(distance.pdist(scaled)) / math.sqrt(points.shape[1])
    return [float(np.delete(row, i).mean()) for i, row in enumerate(distances)]


@given(st.integers(3, 9), st.integers(1, 12), st.integers(0, 10**6))
def test_scores_and_p_are_those_of_brute_force(n: int, figures: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(n + 1, figures)) * np.arange(1, figures + 1) + 50
    found, expected = joint_rank(points[-1], points[:-1]), brute_force(points)
    assert found is not None
    assert [*found.scores, found.score] == pytest.approx(expected)
    assert found.p == sum(score >= expected[-1] for score in expected) / (n + 1)
    assert (found.n, found.figures, found.floor) == (n, figures, 1 / (n + 1))


def test_each_point_of_a_set_takes_a_rank_of_its_own() -> None:
    """Exactness: whichever of n + 1 points is the published one, the p are 1/(n + 1), 2/(n + 1), … 1."""
    points = np.random.default_rng(0).normal(size=(11, 10))
    p = [joint_rank(points[i], np.delete(points, i, axis=0)) for i in range(11)]
    assert sorted(found.p for found in p if found) == pytest.approx(np.arange(1, 12) / 11)


def test_distances_have_a_range_and_a_figure_that_does_not_vary_counts_for_nothing() -> None:
    runs = np.array([[0.0, 7.0], [1.0, 7.0], [3.0, 7.0]])
    found = joint_rank([6.0, 7.0], runs)
    assert found is not None
    sd = np.std([0, 1, 3, 6], ddof=1)
    assert (found.pairs.low, found.pairs.high) == pytest.approx((1 / sd, 3 / sd))
    assert (found.to_runs.low, found.to_runs.high) == pytest.approx((3 / sd, 6 / sd))
    assert (found.figures, found.p) == (1, 0.25)


def test_equal_points_tie_and_few_runs_say_nothing() -> None:
    tied = joint_rank([1.0], np.array([[1.0], [0.0], [0.0]]))
    assert tied is not None
    assert tied.p == 1
    assert joint_rank([0.0], np.array([[1.0], [2.0]])) is None
    assert joint_rank([4.0], np.full((5, 1), 4.0)) is None


def test_twenty_runs_are_needed_to_refuse_at_five_per_cent() -> None:
    assert [runs_to_refuse(level) for level in (0.05, 0.1, 0.01, 0.03)] == [20, 10, 100, 33]
    rng = np.random.default_rng(1)
    far = np.full(4, 1e6)
    few, enough = (joint_rank(far, rng.normal(size=(n, 4))) for n in (19, 20))
    assert few is not None
    assert enough is not None
    assert (few.p, few.can_refuse(), few.fits()) == (0.05, False, True)
    assert (enough.p, enough.can_refuse(), enough.fits()) == (1 / 21, True, False)


def test_power_grows_with_the_shift_from_the_size() -> None:
    none, one, far = (joint_power(10, 10, shift=shift, count=1000) for shift in (0.0, 1.0, 5.0))
    assert none.refused == pytest.approx(1 / 11, abs=4 * none.error)
    assert none.refused < one.refused < far.refused == 1
    assert none.level == 1 / 11


def test_the_density_is_scipys_t_and_one_figure_agrees_with_its_prediction_interval() -> None:
    rng = np.random.default_rng(2)
    runs, vector = rng.normal(size=(6, 4)), rng.normal(size=4)
    found = log_predictive_density(vector, runs)
    assert found is not None
    scale = runs.std(0, ddof=1) * math.sqrt(1 + 1 / 6)
    assert found.vector == pytest.approx(stats.t.logpdf(vector, 5, runs.mean(0), scale).sum())
    rest = runs[1:]
    scale = rest.std(0, ddof=1) * math.sqrt(1 + 1 / 5)
    assert found.runs[0] == pytest.approx(stats.t.logpdf(runs[0], 4, rest.mean(0), scale).sum())


def test_a_difference_of_densities_has_no_units_and_equal_figures_no_density() -> None:
    rng = np.random.default_rng(3)
    intact, lesioned, vector = rng.normal(size=(5, 3)), rng.normal(2, 1, size=(5, 3)), rng.normal(size=3)

    def difference(unit: float) -> float:
        found = [log_predictive_density(vector * unit, runs * unit) for runs in (intact, lesioned)]
        assert found[0] is not None
        assert found[1] is not None
        return found[0].vector - found[1].vector

    assert difference(1.0) == pytest.approx(difference(100.0))
    constant = log_predictive_density([1.0, 2.0], np.column_stack([np.full(5, 9.0), np.arange(5.0)]))
    assert constant is not None
    assert constant.figures == 1
    assert log_predictive_density([1.0], np.full((5, 1), 9.0)) is None
    assert log_predictive_density([1.0], np.array([[1.0], [2.0]])) is None
