"""Interactions against scipy's paired and Welch's test."""

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.statistics.interactions import interaction


def test_both_tests_are_scipys() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=9)
    second = -0.7 * first + rng.normal(1, 1, size=9)
    found = interaction(first, second)
    assert found.paired.p_value() == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.unpaired.p_value() == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)
    assert found.correlation == pytest.approx(stats.pearsonr(first, second).statistic)
    assert found.paired.value == pytest.approx(found.unpaired.value)


def test_a_constant_advantage_has_no_correlation_and_other_seeds_no_interaction() -> None:
    assert interaction([1.0, 1.0], [0.0, 2.0]).correlation is None
    assert interaction([1.0], [2.0]).paired.interval() is None
    with pytest.raises(ValueError, match="same seeds"):
        interaction([1.0, 2.0], [1.0])
