"""The factorial of skips is whole, and its claims are its main effects, its interactions and the sum of its parts."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from alexnet_study.study.claims import Claim
from alexnet_study.study.study import Study, load_study

SKIPS = ("conv2", "conv3", "conv4", "conv5")


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(Path("jobs/studies/where.yaml"))


def skips_of(study: Study) -> dict[str, frozenset[str]]:
    return {name: frozenset(study.run(name, 0).model.skips) for name in study.variants}


def test_every_subset_is_a_variant_once(study: Study) -> None:
    subsets = {frozenset(chosen) for n in range(5) for chosen in itertools.combinations(SKIPS, n)}
    assert set(skips_of(study).values()) == subsets
    assert len(study.variants) == 16
    assert len(study.runs()) == 80
    assert {run.recipe.precision for run in study.runs()} == {"bf16"}
    assert {run.measure for run in study.runs()} == {("metrics",)}


def test_the_claims_find_the_effects_that_are_put_in(study: Study) -> None:
    """Of figures made of known effects: each claim's weighted sum is the effect that it is about, and no other."""
    rng = np.random.default_rng(0)
    single = {name: Fraction(int(rng.integers(1, 99))) for name in SKIPS}
    double = {pair: Fraction(int(rng.integers(1, 99))) for pair in itertools.combinations(SKIPS, 2)}

    def figure(skips: frozenset[str]) -> Fraction:
        pairs = sum((value for pair, value in double.items() if skips >= set(pair)), Fraction(0))
        return Fraction(500) + sum((single[name] for name in skips), Fraction(0)) + pairs

    def found(claim: Claim) -> float:
        skips = skips_of(study)
        return sum(weight * float(figure(skips[name])) for name, weight in claim.variants.items())

    claims = {claim.id: claim for claim in study.claims}
    for name in SKIPS:
        # a pair is there in half of the subsets of the other skips
        expected = single[name] + sum(value for pair, value in double.items() if name in pair) / Fraction(2)
        assert found(claims[f"1 {name}"]) == found(claims[f"4 {name}"]) == pytest.approx(float(expected))
    for pair, value in double.items():
        assert found(claims[f"3 {' '.join(pair)}"]) == pytest.approx(float(value))
    assert found(claims["2"]) == pytest.approx(float(sum(double.values())))
    assert len(claims) == 4 + 1 + 6 + 4
