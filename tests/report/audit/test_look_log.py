"""Planned looks: which seeds a verdict rests on, what it spends, and that each look is recorded once."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from alexnet_study.errors import RequestError
from alexnet_study.report.audit.look_log import FILE, read_looks, record_looks
from alexnet_study.report.audit.verdicts import Verdict, judge
from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.reference import write_reference
from alexnet_study.report.sections.claims import replication, tabulate, verdict_text
from alexnet_study.report.statistics.estimates import holm
from alexnet_study.report.statistics.looks import State
from alexnet_study.study.study import Study

TOP1 = "evaluations.intact.top1"
SPREAD = {4: 0.2, 6: 0.8}


def with_seeds(study: Study, results: Path, seeds: int, looks: dict[int, float]) -> Collection:
    """Return the runs of the first seeds, of a study with these looks."""
    for variant in study.variants:
        for seed in range(seeds, 6):
            shutil.rmtree(results / f"skip/{variant}/seed-{seed}", ignore_errors=True)
    return collect(dataclasses.replace(study, looks=looks), results)


def first(collection: Collection) -> Verdict:
    return judge(collection)[0]


def oracle(collection: Collection, seeds: int) -> float:
    """Return the p of claim 1 from the first seeds, Holm-adjusted over all claims."""
    values = {v: collection.values.of(v, TOP1) for v in ("skip", "baseline")}
    pairs = [values["skip"][seed] - values["baseline"][seed] for seed in range(seeds)]
    return float(stats.ttest_1samp(pairs, 0).pvalue)


def test_below_the_first_look_estimates_are_interim(study: Study, copy: Path) -> None:
    verdict = first(with_seeds(study, copy, 3, SPREAD))
    assert (verdict.outcome, verdict.adjusted_p, verdict.n) == ("interim", None, 3)
    assert verdict.estimate is not None
    assert verdict_text(verdict) == "interim at n = 3"
    record_looks(with_seeds(study, copy, 3, SPREAD), copy)
    assert not (copy / FILE).exists()


def test_a_look_spends_its_share_and_stands_until_the_next(study: Study, copy: Path) -> None:
    five = with_seeds(study, copy, 5, SPREAD)
    verdicts = judge(five)
    assert {(v.look.state, v.look.n_used, v.look.fresh) for v in verdicts} == {(State.JUDGED, 4, 1)}
    assert verdicts[0].p == pytest.approx(oracle(five, 4))
    adjusted = holm([v.p for v in verdicts])
    assert [v.adjusted_p for v in verdicts] == pytest.approx([min(1, (p or 0) / 0.2) for p in adjusted])
    four = judge(with_seeds(study, copy, 4, SPREAD))
    assert [v.adjusted_p for v in four] == [v.adjusted_p for v in verdicts]
    assert [v.estimate for v in four] == [v.estimate for v in verdicts]


def test_a_verdict_rests_on_the_first_seeds_in_the_studys_order(study: Study, copy: Path) -> None:
    shutil.rmtree(copy / "skip/skip/seed-0")
    assert first(collect(study, copy)).outcome == "interim"  # five seeds, but not the first of the plan
    other = dataclasses.replace(study, seeds=(3, 5, 1, 4, 2, 0), looks={3: 0.5, 6: 0.5})
    verdict = first(collect(other, copy))
    assert verdict.contrast is not None
    assert (verdict.look.n_used, set(verdict.contrast.by_seed)) == (3, {1, 3, 5})


def test_beyond_the_last_look_fresh_seeds_replicate(study: Study, copy: Path) -> None:
    planned = dataclasses.replace(study, seeds=tuple(range(3)), looks={3: 1.0})
    found = collect(planned, copy)
    verdict = first(found)
    assert (verdict.look.state, verdict.n) == (State.REPLICATION, 3)
    assert verdict.p == pytest.approx(oracle(found, 3))
    values = {v: found.values.of(v, TOP1) for v in ("skip", "baseline")}
    assert verdict.replication is not None
    fresh = np.mean([values["skip"][seed] - values["baseline"][seed] for seed in range(3, 6)])
    assert (verdict.replication.value, verdict.replication.n) == (pytest.approx(fresh), 3)
    assert set(replication(judge(found)).display["n, fresh"]) == {3}


def test_each_look_is_recorded_once(study: Study, copy: Path) -> None:
    folder = copy / "skip"
    whole = collect(dataclasses.replace(study, looks=SPREAD), copy)
    record_looks(whole, folder)
    once = (folder / FILE).read_bytes()
    record_looks(whole, folder)
    assert (folder / FILE).read_bytes() == once
    early, late = read_looks(folder / FILE)
    assert (early["n"], early["share"], late["n"], late["share"]) == (4, 0.2, 6, 0.8)
    assert set(early["runs"].values()) < set(late["runs"].values()) == {run.identity.hash for run in whole.runs}
    judged = judge(whole)
    assert {name: own["verdict"] for name, own in late["verdicts"].items()} == {v.claim.id: v.verdict for v in judged}


def test_a_later_look_is_appended_to_the_earlier(study: Study, copy: Path, made: Path) -> None:
    folder = copy / "skip"
    record_looks(with_seeds(study, copy, 4, SPREAD), folder)
    (before,) = (folder / FILE).read_text().splitlines()
    shutil.copytree(made, copy, dirs_exist_ok=True)
    record_looks(with_seeds(study, copy, 6, SPREAD), folder)
    after = (folder / FILE).read_text().splitlines()
    assert after[0] == before
    assert [json.loads(line)["n"] for line in after] == [4, 6]


def test_claims_that_reach_a_look_later_have_a_line_of_their_own(study: Study, copy: Path, made: Path) -> None:
    """Unjudged claims count in Holm's family, so that the early ones are not easier to support."""
    shutil.rmtree(copy / "skip/skip/seed-5")
    early = judge(collect(study, copy))
    record_looks(collect(study, copy), copy / "skip")
    assert {v.claim.id for v in early if v.outcome != "interim"} == {"6 baseline"}
    alone = next(v for v in early if v.claim.id == "6 baseline")
    assert alone.adjusted_p == pytest.approx(min(1, 13 * (alone.p or 0)))
    shutil.copytree(made, copy, dirs_exist_ok=True)
    record_looks(collect(study, copy), copy / "skip")
    one, rest = read_looks(copy / "skip" / FILE)
    assert list(one["verdicts"]) == ["6 baseline"]
    assert len(rest["verdicts"]) == 13  # of these runs, none was recorded


def test_a_reference_carries_the_looks(study: Study, copy: Path, tmp_path: Path) -> None:
    write_reference(study, copy, tmp_path / "reference")
    assert (tmp_path / "reference/skip" / FILE).read_bytes() == (copy / "skip" / FILE).read_bytes()


@pytest.mark.parametrize("line", ['{"n": 3}', '{"n": 3, "runs": {}, "verdicts": {}}', "3", "{"])
def test_a_damaged_record_is_named(study: Study, copy: Path, line: str) -> None:
    (copy / "skip" / FILE).write_text(line + "\n")
    with pytest.raises(RequestError, match=r"looks\.jsonl, line 1: not a look; .* n, share, seeds, runs, verdicts$"):
        record_looks(collect(study, copy), copy / "skip")


def test_an_interim_table_has_no_p(study: Study, copy: Path) -> None:
    shown = tabulate(judge(with_seeds(study, copy, 3, SPREAD))).display
    assert set(shown["p"]) == {"–"}
    assert set(shown.iloc[:, -1]) == {"interim at n = 3"}
