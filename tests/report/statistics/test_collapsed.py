"""The share that learned against scipy's exact interval; flags."""

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.statistics.collapsed import flagged, learned_share


@pytest.mark.parametrize("n", [1, 3, 10, 20])
def test_the_interval_is_scipys_exact_one(n: int) -> None:
    for learned in range(n + 1):
        for level in (0.95, 0.99):
            found = learned_share(learned, n, level)
            expected = stats.binomtest(learned, n).proportion_ci(level, method="exact")
            assert (found.interval.low, found.interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
            assert found.value in found.interval


def test_all_of_ten_leave_much_open_and_nonsense_is_refused() -> None:
    assert learned_share(10, 10).interval.low == pytest.approx(0.025**0.1)
    for learned, n in ((0, 0), (4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="runs"):
            learned_share(learned, n)


def test_flags_are_scipys_scaled_deviation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.standard_t(2, size=12)
        far = np.abs(values - np.median(values)) > 3 * stats.median_abs_deviation(values, scale=1 / 1.4826)
        assert flagged(values) == tuple(np.flatnonzero(far))
    assert flagged([0.5, 0.51, 0.1, 0.52, 0.49, 0.5]) == (2,)
    assert flagged([0.5, 0.5, 0.5, 0.5, 0.4]) == (4,)
    assert flagged([0.5, 0.5, 0.5, 0.5, 0.5]) == ()
    assert flagged([0.5, 0.5, 0.1]) == ()
