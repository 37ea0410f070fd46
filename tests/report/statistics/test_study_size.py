"""What n seeds would say of an effect, against scipy's distributions and samples counted one by one."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from alexnet_study.report.statistics.study_size import modelled, resampled, standardised_effect, unpaired_pairs

VALUES = [0.9, 2.1, -0.1, 3.3, 1.9]


@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("effect", [0.2, 0.8, 1.6])
def test_the_model_is_the_normal_and_the_noncentral_t(effect: float, n: int) -> None:
    chances, shift = modelled(effect, n), effect * math.sqrt(n)
    assert chances.sign == pytest.approx(stats.norm.cdf(shift))
    assert chances.found == pytest.approx(stats.nct.sf(stats.t.isf(0.025, n - 1), n - 1, shift), abs=1e-4)
    assert chances.twofold == pytest.approx(stats.norm(effect, 1 / math.sqrt(n)).sf(2 * effect))


@pytest.mark.parametrize(("effect", "n"), [(0.3, 3), (0.8, 5), (0.1, 20)])
def test_overstating_what_was_found_is_an_integral_over_the_mean(effect: float, n: int) -> None:
    critical, root = stats.t.isf(0.025, n - 1), math.sqrt(n)

    def density(mean: float) -> float:  # the t test refuses 0 where s is below mean · √n / critical
        found = stats.chi2.cdf((n - 1) * (mean * root / critical) ** 2, n - 1)
        return float(stats.norm.pdf(mean, effect, 1 / root) * found)

    end = effect + 12 / root
    above, all_found = (integrate.quad(density, start, end)[0] for start in (2 * effect, 0.0))
    chances = modelled(effect, n)
    assert chances.found == pytest.approx(all_found, abs=1e-4)
    assert chances.twofold_if_found == pytest.approx(above / all_found, abs=2e-3)


def test_a_stronger_effect_is_seen_more_often_and_overstated_less_often() -> None:
    for n in (2, 3, 5, 10, 20):
        ladder = [modelled(effect, n) for effect in np.linspace(0.05, 3, 60)]
        for weaker, stronger in itertools.pairwise(ladder):
            assert stronger.sign >= weaker.sign
            assert stronger.found >= weaker.found
            assert stronger.twofold <= weaker.twofold
            assert weaker.twofold_if_found is not None
            assert stronger.twofold_if_found is not None
            assert stronger.twofold_if_found <= weaker.twofold_if_found + 1e-3


@pytest.mark.parametrize("side", [1, -1])
def test_the_interval_of_the_effect_inverts_the_noncentral_t(side: int) -> None:
    interval = standardised_effect([side * value for value in VALUES])
    assert interval is not None
    n = len(VALUES)
    t = np.mean(VALUES) * math.sqrt(n) / np.std(VALUES, ddof=1)
    shares = [stats.nct.cdf(t, n - 1, end * math.sqrt(n)) for end in (interval.low, interval.high)]
    assert shares == pytest.approx([0.975, 0.025], abs=1e-4)


def test_no_interval_where_the_sign_is_not_known() -> None:
    assert stats.ttest_1samp([*VALUES, -2.0], 0).pvalue > 0.05
    assert standardised_effect([*VALUES, -2.0]) is None
    assert standardised_effect([1.0, 1.0, 1.0]) is None
    assert standardised_effect([1.0]) is None


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_seeds_are_all_samples_counted(n: int, side: int) -> None:
    effect = np.mean(VALUES)
    samples = [np.array(sample) for sample in itertools.product(VALUES, repeat=n)]
    found = [
        n > 1 and np.ptp(own) > 0 and own.mean() > 0 and stats.ttest_1samp(own, 0).pvalue < 0.05 for own in samples
    ]
    twofold = [own.mean() >= 2 * effect for own in samples]
    chances = resampled([side * value for value in VALUES], n)
    assert chances.sign == pytest.approx(np.mean([own.mean() > 0 for own in samples]))
    assert chances.found == pytest.approx(np.mean(found))
    assert chances.twofold == pytest.approx(np.mean(twofold))
    if any(found):
        assert chances.twofold_if_found == pytest.approx(np.mean(np.array(twofold)[found]))
    else:
        assert chances.twofold_if_found is None


def test_many_normal_differences_resample_as_the_model_says() -> None:
    values = stats.norm.ppf((np.arange(400) + 0.5) / 400) + 0.6
    for n in (5, 10, 20):
        drawn, model = resampled(values, n), modelled(0.6 / values.std(), n)
        for name in ("sign", "found", "twofold", "twofold_if_found"):
            assert getattr(drawn, name) == pytest.approx(getattr(model, name), abs=0.02), (n, name)


def test_unpaired_differences_are_of_every_two_runs() -> None:
    assert sorted(unpaired_pairs([1.0, 2.0], [10.0, 20.0, 30.0])) == [-29, -28, -19, -18, -9, -8]
