"""A report of runs that are older than some of its figures: – in their place, and a claim that says so."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alexnet_study.errors import RequestError
from alexnet_study.files import digest
from alexnet_study.report.audit.verdicts import Verdict, judge
from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.material import gather
from alexnet_study.report.measures import MEASURES, Measure
from alexnet_study.report.sections import separability
from alexnet_study.report.sections.answer import answer
from alexnet_study.report.sections.claims import verdict_text
from alexnet_study.report.sections.comparison import comparison, differences
from alexnet_study.report.values import CONFUSION, RunValues, Values
from alexnet_study.report.writing import write_report
from alexnet_study.study.claims import Claim
from alexnet_study.study.study import Study

DRIFT = "evaluations.intact.drift"


def rewrite(paths: list[Path], change: Callable[[dict[str, Any]], object]) -> None:
    """Change summaries, each with its checksum."""
    assert paths
    for path in paths:
        body = json.loads(path.read_text())
        body.pop("checksum")
        change(body)
        path.write_text(json.dumps({**body, "checksum": digest(body)}))


@pytest.fixture
def younger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure that the runs at hand were made without."""
    monkeypatch.setitem(MEASURES, DRIFT, Measure(label="drift", unit="nats"))


def asking(study: Study, metric: str = DRIFT) -> Study:
    claim = Claim(
        id="1",
        statement="It drifts",
        definition="d",
        metric=metric,
        variants={"skip": 1, "baseline": -1},
        direction="less",
    )
    return dataclasses.replace(study, claims=(claim,))


@pytest.mark.usefixtures("younger")
def test_a_figure_that_no_run_has_is_a_dash_and_its_claim_says_so(study: Study, copy: Path) -> None:
    found = collect(asking(study), copy)
    for table in (comparison(found), differences(found)):
        (row,) = table.display[table.display["figure"].str.startswith("drift")].to_numpy().tolist()
        assert set(row[1:]) == {"–"}
    page = write_report(found, copy)
    (claim,) = json.loads((page.parent / "report.json").read_text())["claims"]
    assert claim["verdict"] == "not resolved: the runs of skip, baseline don't have this figure"
    assert claim["verdict"] in page.read_text().replace("&#39;", "'")
    assert answer(gather(found, page.parent))[0].endswith("don't have this figure; drift was not recorded.")


@pytest.mark.usefixtures("younger")
def test_a_figure_that_some_runs_have_is_theirs(collection: Collection, study: Study) -> None:
    def judged(*recorded: RunValues) -> Verdict:
        found = dataclasses.replace(collection, values=Values(recorded, collection.classes), study=asking(study))
        return judge(found)[0]

    def drift(variant: str, seed: int) -> RunValues:
        confusion = {("intact", CONFUSION.format("intact")): np.eye(10)}
        return RunValues(variant=variant, seed=seed, single={("intact", DRIFT): 0.1 * seed}, vectors=confusion)

    skip = [drift("skip", seed) for seed in range(6)]
    assert verdict_text(judged(*skip)) == "not resolved: the runs of baseline don't have this figure"
    assert judged(*skip, *(drift("baseline", seed) for seed in range(4))).n == 4


def test_a_figure_that_the_report_does_not_know_is_a_mistake(study: Study, made: Path) -> None:
    with pytest.raises(RequestError, match=r"no drift in evaluations\.intact; expected one of"):
        judge(collect(asking(study), made))


def drop(*keys: str) -> Callable[[dict[str, Any]], object]:
    def change(summary: dict[str, Any]) -> None:
        for key in keys[:-1]:
            summary = summary[key]
        del summary[keys[-1]]

    return change


PARTS = (("evaluations", "lesioned"), ("linear_regressor", "lesioned"), ("linear_regressor", "intact"))


def test_each_run_may_lack_another_part(study: Study, copy: Path) -> None:
    for seed, keys in enumerate(PARTS):
        rewrite([copy / f"skip/skip/seed-{seed}/summary.json"], drop(*keys))
    found = collect(study, copy)
    assert len(found.runs) == 12
    assert write_report(found, copy).exists()


def test_all_runs_may_lack_all_parts(study: Study, copy: Path) -> None:
    for keys in PARTS:
        rewrite(list(copy.glob("skip/skip/seed-*/summary.json")), drop(*keys))
    page = write_report(collect(study, copy), copy)
    claims = json.loads((page.parent / "report.json").read_text())["claims"]
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    assert verdicts["7 closed form"] == "not resolved: the runs of skip don't have this figure"
    assert verdicts["1"].startswith("supported")


def test_a_stage_that_one_run_lacks_is_the_others(study: Study, copy: Path) -> None:
    rewrite([copy / "skip/skip/seed-0/summary.json"], drop("linear_regressor", "intact", "by_stage", "conv5"))
    tidy = separability.tabulate(collect(study, copy)).tidy.set_index(["variant", "evaluation", "stage"])
    assert tidy.loc[("skip", "intact", "conv5"), "n"] == 5
    assert tidy.loc[("skip", "lesioned", "conv5"), "n"] == 6


def test_a_run_without_its_intact_evaluation_is_left_out(study: Study, copy: Path) -> None:
    rewrite([copy / "skip/skip/seed-0/summary.json"], drop("evaluations", "intact"))
    (entry,) = collect(study, copy).left_out
    assert (entry.run, entry.reason) == ("skip/seed-0", "summary.json has no intact evaluation")
