"""Variants compared."""

import dataclasses
import json
import re
from pathlib import Path

from alexnet_study.report.audit.entries import as_json
from alexnet_study.report.audit.verdicts import judge
from alexnet_study.report.collection import collect
from alexnet_study.report.material import Material
from alexnet_study.report.sections.claims import figure_text
from alexnet_study.report.sections.comparison import accuracy, comparison, differences
from alexnet_study.study.claims import Claim
from alexnet_study.study.study import Study
from tests.pointer import lie_on_a_linear_axis

PATH = "derived.epochs_to_quarter_error"


def test_a_figure_of_too_few_seeds_is_a_dash_in_its_own_column(finished: tuple[Study, Path], results: Path) -> None:
    shown = differences(collect(finished[0], results)).display
    assert list(shown.columns) == ["figure", "skip − baseline (n = 2)"]
    stability = shown[shown["figure"].str.startswith("distance from the median learning curve")]
    assert stability.iloc[0, 1] == "–"
    assert not shown.isna().to_numpy().any()


def test_what_the_study_does_not_measure_has_no_row(finished: tuple[Study, Path], results: Path) -> None:
    study, _ = finished
    shown = [
        set(comparison(collect(dataclasses.replace(study, measure=measured), results)).display["figure"])
        for measured in (study.measure, ("metrics",))
    ]
    dropped = shown[0] - shown[1]
    assert shown[1] < shown[0]
    assert len(dropped) == 7
    assert all(re.match("linear regressor|variance explained|components for|participation", name) for name in dropped)


def reach(results: Path, variant: str, epochs: list[int]) -> None:
    """Let each of a variant's runs get a quarter of its training images wrong after so many epochs; 0: never."""
    for seed, reached in enumerate(epochs):
        metrics = results / f"skip/{variant}/seed-{seed}/metrics.jsonl"
        records = [json.loads(line) for line in metrics.read_text().splitlines()]
        for record in records:
            record["train_eval_top1"] = 0.8 if reached and record["epoch"] + 1 >= reached else 0.5
        metrics.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_runs_that_end_before_are_counted_and_never_dropped(study: Study, copy: Path) -> None:
    reach(copy, "baseline", [0, 5, 0, 0, 4, 0])
    reach(copy, "skip", [2, 3, 2, 0, 2, 3])
    claim = Claim(
        id="1", statement="s", definition="d", metric=PATH, variants={"skip": 1, "baseline": -1}, direction="less"
    )
    collection = collect(dataclasses.replace(study, claims=(claim,)), copy)
    shown = comparison(collection).display.set_index("figure")
    row = shown.loc["epochs until the training error in evaluation mode is at most 25 %, epochs"]
    assert row["baseline (n = 6)"] == "4.50 (4.00 to 5.00) in 2; not reached in 5 epochs by 4 of 6"
    assert row["skip (n = 6)"] == "2.00 (2.00 to 3.00) in 5; not reached in 5 epochs by 1 of 6"
    (verdict,) = judge(collection)
    assert verdict.contrast is not None
    assert list(verdict.contrast.by_seed.values()) == [2 - 6, 3 - 5, 2 - 6, 6 - 6, 2 - 4, 3 - 6]
    assert as_json(verdict)["unreached"] == {"skip": 1, "baseline": 4}
    assert figure_text(verdict).endswith("; never reached by skip 1, baseline 4: counted as the epoch after their last")
    less = differences(collection).display.set_index("figure")
    assert less.loc[row.name].iloc[0].endswith("; 5 never reached")


def test_a_measure_that_no_run_reaches_is_said_to_be_so(study: Study, copy: Path) -> None:
    for variant in ("baseline", "skip"):
        reach(copy, variant, [0] * 6)
    shown = comparison(collect(study, copy)).display.set_index("figure")
    row = shown.loc["epochs until the training error in evaluation mode is at most 25 %, epochs"]
    assert set(row.drop("skip, lesioned (n = 6)")) == {"not reached in 5 epochs by 6 of 6"}


def test_a_pointer_on_a_mean_reads_it_where_it_is_drawn(material: Material, made: Path) -> None:
    spots = accuracy(material).spots
    ours, theirs = spots[:3], spots[3:]
    means = []
    for spot, (variant, evaluation) in zip(ours, material.collection.evaluations, strict=True):
        summaries = [json.loads(path.read_text()) for path in made.glob(f"skip/{variant}/seed-*/summary.json")]
        means.append(sum(each["evaluations"][evaluation]["top1"] for each in summaries) / len(summaries))
        name = variant if evaluation == "intact" else f"{variant}, {evaluation}"
        assert spot.text.startswith(f"{name} (n = 6): {100 * means[-1]:.2f} [")
    assert [spot.text for spot in theirs[:2]] == ["baseline, published 48.92 %", "skip, published 55.27 %"]
    assert lie_on_a_linear_axis([*ours, *theirs[:2]], [*means, 0.4892, 0.5527])
