"""How many seeds a claim needs, worked out again from the runs of the published question."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.sections import seeds
from alexnet_study.report.sections.seeds import Basis
from alexnet_study.study.study import load_study

REFERENCE = Path("results/reference")
TEN = range(10)


@pytest.fixture(scope="module")
def collection() -> Collection:
    return collect(load_study(Path("jobs/studies/skip.yaml")), REFERENCE).of_seeds(TEN)


@pytest.fixture(scope="module")
def basis(collection: Collection) -> Basis:
    found = seeds.find_basis(collection)
    assert found is not None
    return found


def top1(variant: str) -> np.ndarray:
    texts = [(REFERENCE / f"skip/{variant}/seed-{seed}/summary.json").read_text() for seed in TEN]
    return np.array([json.loads(text)["evaluations"]["intact"]["top1"] for text in texts])


def test_the_table_is_of_the_seeds_differences(basis: Basis) -> None:
    gains = top1("skip") - top1("baseline")
    tidy = seeds.tabulate(basis).tidy.set_index(["n", "paired", "chance"])
    effect = gains.mean() / gains.std(ddof=1)
    t = stats.t.isf(0.025, 4)
    assert tidy.loc[(5, True, "sign"), "model"] == pytest.approx(stats.norm.cdf(effect * math.sqrt(5)))
    assert tidy.loc[(5, True, "found"), "model"] == pytest.approx(stats.nct.sf(t, 4, effect * math.sqrt(5)), abs=1e-4)
    assert tidy.loc[(1, True, "sign"), "resampled"] == np.mean(gains > 0)
    apart = math.hypot(top1("skip").std(ddof=1), top1("baseline").std(ddof=1))
    assert tidy.loc[(1, False, "sign"), "model"] == pytest.approx(stats.norm.cdf(gains.mean() / apart))
    pairs = [a - b for a in top1("skip") for b in top1("baseline")]
    assert tidy.loc[(1, False, "sign"), "resampled"] == np.mean(np.array(pairs) > 0)
    assert (tidy["low"].fillna(0) <= tidy["model"].fillna(0)).all()
    assert (tidy["high"].fillna(1) >= tidy["model"].fillna(1)).all()


def test_seeds_needed_have_their_power(basis: Basis) -> None:
    sd = (top1("skip") - top1("baseline")).std(ddof=1)
    tidy = seeds.tabulate_effects(basis).tidy
    for _, row in tidy[tidy["effect"] <= 0.04].iterrows():
        n, shift = int(row["seeds"]), row["effect"] / sd
        power = [stats.nct.sf(stats.t.isf(0.025, m - 1), m - 1, shift * math.sqrt(m)) for m in (n - 1, n)]
        assert power[0] < 0.8 <= power[1]
        assert row["low"] <= n <= row["high"]
    interval = seeds.sd_interval(basis)
    ends = [sd * math.sqrt(9 / stats.chi2.ppf(tail, 9)) for tail in (0.975, 0.025)]
    assert (interval.low, interval.high) == pytest.approx(ends)


def test_the_sentences_name_one_run_and_what_it_takes(basis: Basis) -> None:
    first, second = seeds.sentences(basis)
    assert "n = 10 seeds" in first
    assert "can test nothing" in first
    assert "whose seeds are not shared" in second


def test_few_seeds_or_another_kind_of_claim_have_no_such_section(collection: Collection) -> None:
    assert seeds.find_basis(collection.of_seeds(range(9))) is None
    claims = collection.study.claims
    for claim in (
        next(own for own in claims if own.below is not None),
        next(own for own in claims if own.over_classes),
        dataclasses.replace(claims[0], metric="evaluations.intact.loss"),
    ):
        other = dataclasses.replace(collection, study=dataclasses.replace(collection.study, claims=(claim,)))
        assert seeds.find_basis(other) is None


def test_the_study_of_many_seeds_has_fifty_that_no_other_study_has() -> None:
    study = load_study(Path("jobs/studies/seeds.yaml"))
    assert len(study.seeds) == 50
    assert set(study.seeds).isdisjoint(load_study(Path("jobs/studies/skip.yaml")).seeds)
    assert {(run.recipe.epochs, run.recipe.precision, run.measure) for run in study.runs()} == {
        (5, "bf16", ("metrics",))
    }
    assert all(claim.metric.startswith(("derived", "evaluations.intact")) for claim in study.claims)
