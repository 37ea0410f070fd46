"""Intervals and tests: scipy and brute force as oracles, coverage and size by simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from alexnet_study.report.statistics import estimates

LARGE = st.floats(-100, 100).map(lambda x: round(x, 3))
SAMPLE = st.lists(LARGE, min_size=3, max_size=12).filter(lambda values: len(set(values)) > 1)


def within(observed: float, expected: float, trials: int) -> bool:
    """Whether a simulated rate is where its own sampling puts it: four standard errors."""
    return abs(observed - expected) <= 4 * math.sqrt(expected * (1 - expected) / trials)


@given(SAMPLE)
def test_one_block_is_scipys_one_sample_t(values: list[float]) -> None:
    estimate, oracle = estimates.mean(values), stats.ttest_1samp(values, 0.5)
    interval = estimate.interval()
    assert interval is not None
    expected = oracle.confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9)
    assert estimate.p_value(0.5) == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)


@given(SAMPLE, SAMPLE)
def test_two_blocks_are_scipys_welch(a: list[float], b: list[float]) -> None:
    estimate, oracle = estimates.contrast([a, [-x for x in b]]), stats.ttest_ind(a, b, equal_var=False)
    interval, expected = estimate.interval(), oracle.confidence_interval(0.95)
    assert interval is not None
    assert estimate.df == pytest.approx(oracle.df)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9)
    assert estimate.p_value() == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)


def test_one_run_has_no_interval() -> None:
    estimate = estimates.contrast([[1.0, 2.0], [3.0]])
    assert (estimate.value, estimate.n) == (4.5, 1)
    assert estimate.interval() is estimate.p_value() is estimate.resolvable() is None
    assert estimates.prediction([(1.0, [1.0])]) is None
    with pytest.raises(ValueError, match="at least one run"):
        estimates.contrast([[]])


def test_two_runs_have_a_test_but_no_interval() -> None:
    estimate = estimates.mean([1.0, 2.0])
    assert estimate.interval() is None
    assert estimate.p_value() == pytest.approx(stats.ttest_1samp([1.0, 2.0], 0).pvalue)


def test_equal_values_allow_no_test_and_predict_themselves() -> None:
    estimate = estimates.mean([0.1] * 3)
    assert estimate.value == pytest.approx(0.1)
    assert estimate.error == 0
    assert estimate.interval() is estimate.p_value() is estimate.resolvable() is None
    assert 4.0 in (estimates.prediction([(1.0, [4.0] * 3)]) or ())


def test_a_contrast_of_four_cells_covers_at_its_level() -> None:
    rng, trials, sds, sizes = np.random.default_rng(1), 4000, (1.0, 3.0, 1.0, 2.0), (5, 5, 8, 3)
    hits = 0
    for _ in range(trials):
        blocks = [rng.normal(0, sd, size) for sd, size in zip(sds, sizes, strict=True)]
        hits += 0.0 in (estimates.contrast(blocks).interval() or ())
    assert hits / trials == pytest.approx(0.95, abs=0.02)  # Satterthwaite is an approximation: 2 points


@pytest.mark.parametrize("n", [3, 10])
def test_the_prediction_interval_holds_one_more_run(n: int) -> None:
    rng, trials = np.random.default_rng(2), 6000
    samples = rng.normal(size=(trials, n + 1))
    hits = sum(row[-1] in (estimates.prediction([(1.0, row[:-1])]) or ()) for row in samples)
    assert within(hits / trials, 0.95, trials)


def test_the_prediction_interval_of_a_difference_holds_one_more_pair() -> None:
    rng, trials = np.random.default_rng(3), 4000
    hits = 0
    for _ in range(trials):
        a, b = rng.normal(0, 1, 11), rng.normal(0, 2, 11)
        hits += a[-1] - b[-1] in (estimates.prediction([(1.0, a[:-1]), (-1.0, b[:-1])]) or ())
    assert hits / trials == pytest.approx(0.95, abs=0.02)


def test_the_prediction_interval_of_a_proportion_stays_in_0_and_1_and_covers() -> None:
    rng, trials, count = np.random.default_rng(4), 4000, 1000
    hits = 0
    for _ in range(trials):
        shares = rng.binomial(count, 1 / (1 + np.exp(-rng.normal(2.5, 0.6, 11)))) / count
        interval = estimates.proportion_prediction(shares[:-1], count)
        assert interval is not None
        assert 0 <= interval.low <= interval.high <= 1
        hits += shares[-1] in interval
    assert hits / trials == pytest.approx(0.95, abs=0.02)
    for edge in (0.0, 1.0):
        assert edge in (estimates.proportion_prediction([edge] * 4, count) or ())


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_no_prediction_where_a_proportion_of_nothing_counted_is_0_or_1(edge: float) -> None:
    for values in ([0.9, edge, 0.8], [edge] * 4):
        assert estimates.proportion_prediction(values, math.inf) is None
    assert estimates.proportion_prediction([0.9, 0.95, 0.8], math.inf) is not None


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    """Brute force: a claim's adjusted p is the largest Bonferroni p of all intersections that hold it."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        p = (rng.uniform(size=5) ** 3).tolist()
        sets = [s for size in range(1, 6) for s in itertools.combinations(range(5), size)]
        closed = [max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(5)]
        assert estimates.holm(p) == pytest.approx(closed)


def test_holm_counts_what_could_not_be_tested() -> None:
    assert estimates.holm([0.01, None, 0.04]) == [pytest.approx(0.03), None, pytest.approx(0.08)]
    assert estimates.holm([]) == []


@pytest.mark.parametrize("n", [4, 10])
def test_the_smallest_resolvable_difference_is_found_with_its_power(n: int) -> None:
    rng, trials, sd = np.random.default_rng(6), 6000, 2.0
    shift = sd / math.sqrt(n) * estimates.noncentrality(n - 1)
    samples = rng.normal(shift, sd, size=(trials, n))
    found = stats.ttest_1samp(samples, 0.0, axis=1).pvalue < 0.05
    assert within(found.mean(), 0.80, trials)
    estimate = estimates.mean([0.0, 1.0, 3.0])
    assert estimate.resolvable() == pytest.approx(estimates.noncentrality(2) * float(estimate.error or 0))
