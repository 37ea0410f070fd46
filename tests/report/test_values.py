"""The table of values against the files that they come from, and a mistaken path that says what would be right."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

from alexnet_study.errors import RequestError
from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import MEASURES
from alexnet_study.report.values import CONFUSION, RunValues, Values, values_of
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Evaluation


def test_every_listed_measure_is_a_value_of_every_run(collection: Collection) -> None:
    for path in MEASURES:
        seeds = [*collection.values.of("skip", path), *collection.unreached("skip", path)]
        assert sorted(seeds) == [0, 1, 2, 3, 4, 5], path


def test_paths_reach_summaries_the_last_epoch_and_classes(collection: Collection, made: Path) -> None:
    folder = made / "skip/skip/seed-3"
    summary = json.loads((folder / "summary.json").read_text())
    last = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    values = collection.values
    assert values.of("skip", "evaluations.intact.recall.bird")[3] == summary["evaluations"]["intact"]["recall"][2]
    lesioned = summary["evaluations"]["lesioned"]
    assert values.of("skip", "evaluations.intact.recall.bird", "lesioned")[3] == lesioned["recall"][2]
    ratio = lesioned["pca"]["explained_variance_ratio"]
    assert values.of("skip", "evaluations.intact.pca.explained_variance_ratio.7", "lesioned")[3] == ratio[7]
    assert values.of("skip", "last_epoch.train_loss")[3] == last["train_loss"]
    stage = summary["linear_regressor"]["lesioned"]["by_stage"]["conv2"]
    assert values.of("skip", "linear_regressor.intact.by_stage.conv2.top1", "lesioned")[3] == stage["top1"]
    assert values.vectors("skip", CONFUSION.format("lesioned"))[3].tolist() == lesioned["confusion"]
    assert values.of("skip", "gap.proper", "lesioned") == {}
    assert values.of("baseline", "evaluations.intact.top1", "lesioned") == {}


def test_the_table_is_tidy(collection: Collection) -> None:
    table = collection.values.table
    assert list(table.columns) == ["variant", "seed", "evaluation", "metric", "value", "unit"]
    assert not table.duplicated(["variant", "seed", "metric"]).any()
    rows = table[(table["metric"] == "evaluations.lesioned.loss") & (table["variant"] == "skip")]
    assert rows["value"].tolist() == list(collection.values.of("skip", "evaluations.intact.loss", "lesioned").values())
    assert (set(rows["unit"]), set(rows["evaluation"])) == ({"nats"}, {"lesioned"})


def test_a_null_is_recorded_but_is_no_value() -> None:
    gap = ("", "gap.other")
    own = [RunValues(variant="a", seed=n, single={gap: value}, vectors={}) for n, value in enumerate((None, 0.5))]
    values = Values(own, ())
    assert values.of("a", "gap.other") == {1: 0.5}
    assert values.has("a", "gap.other")
    assert not values.has("b", "gap.other")
    assert values.of("b", "gap.other") == {}


@dataclass(frozen=True, kw_only=True)
class Younger(Evaluation):
    """An evaluation with a figure that older runs lack."""

    drift: float | None = None


@pytest.mark.parametrize("drift", [None, 0.25])
def test_a_younger_figure_is_recorded_by_the_runs_that_have_it(made: Path, drift: float | None) -> None:
    folder = RunFolder(made / "skip/baseline/seed-0")
    summary = folder.read_summary()
    assert summary is not None
    intact = summary.evaluations["intact"]
    own = {field.name: getattr(intact, field.name) for field in fields(intact)}
    summary = replace(summary, evaluations={"intact": Younger(**own, drift=drift)})
    epochs = folder.read_metrics()
    values = Values([values_of("baseline", 0, summary, epochs)], summary.classes)
    assert values.has("baseline", "evaluations.intact.drift") == (drift is not None)
    if drift is not None:
        assert values.of("baseline", "evaluations.intact.drift") == {0: drift}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("evaluations.intact.top2", r"expected one of .*\bloss, .*\btop1, top3"),
        ("evaluations.intact.recall.cow", "airplane, automobile, bird"),
        ("evaluations.intact.pca.explained_variance_ratio.24", "0 to 23"),
        ("evaluations.intact.top1.more", "is a number"),
        ("evaluations.intact", "not a number"),
        ("classes.0", "no classes in a run; expected one of derived, evaluations"),
    ],
)
def test_a_wrong_path_says_what_would_be_right(collection: Collection, path: str, names: str) -> None:
    with pytest.raises(RequestError, match=names):
        collection.values.of("skip", path)
