"""The least p of sign flips against enumeration, and the fallback of a claim without spread."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from alexnet_study.report.statistics.estimates import mean
from alexnet_study.report.statistics.resampling import max_t, sign_flip_p
from alexnet_study.report.statistics.sign_flips import Method, claim_test, least_p, sign_flip_test


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=6))
def test_the_least_p_is_that_of_the_most_telling_signs(values: list[int]) -> None:
    signs = itertools.product((1.0, -1.0), repeat=len(values))
    assert least_p([float(v) for v in values]) == min(sign_flip_p(np.abs(values) * np.array(s)) for s in signs)


def test_the_least_p_of_a_joint_test_drops_seeds_without_any_difference() -> None:
    differences = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 0.0], [1.5, 0.5]])
    assert least_p(differences) == 2 / 2**3 == max_t(differences).min()
    assert least_p(np.zeros((3, 2))) == 1
    assert least_p(np.ones(13)) == 1 / 4096


def test_where_the_least_is_met_it_is_named() -> None:
    assert sign_flip_test([1.0, 2.0, 3.0, 0.5, 1.0]).met
    test = sign_flip_test([1.0, 2.0, 3.0, -0.5, 1.0])
    assert (test.met, test.least) == (False, 2 / 2**5)


def test_a_claim_with_spread_takes_t_and_without_sign_flips() -> None:
    values = [1.0, 2.0, 4.0]
    spread = claim_test(mean(values), values, 0.5)
    assert spread is not None
    assert (spread.method, spread.least, spread.met) == (Method.T, None, False)
    assert spread.p == pytest.approx(stats.ttest_1samp(values, 0.5).pvalue)
    equal = [3.0] * 6
    above, at = claim_test(mean(equal), equal, 2.0), claim_test(mean(equal), equal, 3.0)
    assert above is not None
    assert at is not None
    assert (above.method, above.p, above.met) == (Method.SIGN_FLIPS, 2 / 2**6, True)
    assert (at.method, at.p) == (Method.SIGN_FLIPS, 1.0)
    assert claim_test(mean([1.0]), [1.0]) is None
