"""Figures by their paths: right values, right names, and a mistake that names what would be right."""

import math

import numpy as np
import pytest

from alexnet_study.errors import RequestError
from alexnet_study.report.collect import Collection
from alexnet_study.report.measures import MEASURES, curve_deviations, derive, look_up, measure, trials
from alexnet_study.report.statistics import estimates


def test_every_listed_measure_is_a_figure_of_a_run(collection: Collection) -> None:
    for path in MEASURES:
        assert isinstance(collection.runs[0].figure(path), float), path


def test_paths_reach_summaries_the_last_epoch_and_classes(collection: Collection) -> None:
    run = next(run for run in collection.runs if run.variant == "skip")
    assert run.figure("evaluations.intact.recall.bird") == run.summary["evaluations"]["intact"]["recall"][2]
    lesioned = run.summary["evaluations"]["lesioned"]
    assert run.figure("evaluations.intact.recall.2", "lesioned") == lesioned["recall"][2]
    assert run.figure("last_epoch.train_loss") == run.metrics[-1]["train_loss"]
    assert run.figure("gap.proper", "lesioned") is None
    assert collection.runs[0].variant == "baseline"
    assert collection.runs[0].figure("evaluations.intact.top1", "lesioned") is None


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("evaluations.intact.top2", "top1"),
        ("evaluations.intact.recall.cow", "bird"),
        ("evaluations.intact.recall.12", "0 to 9"),
        ("evaluations.intact.top1.more", "is a figure"),
        ("evaluations.intact", "not a figure"),
        ("classes.0", "not a figure"),
    ],
)
def test_a_wrong_path_says_what_would_be_right(collection: Collection, path: str, names: str) -> None:
    with pytest.raises(RequestError, match=names):
        collection.runs[0].figure(path)


def test_derived_figures() -> None:
    ratio = [0.5, 0.2, 0.1, 0.1, 0.1]
    pca = {"explained_variance_ratio": ratio, "participation_ratio": 1 / sum(r**2 for r in ratio)}
    summary = {"classes": ["a"] * 10, "evaluations": {"intact": {"top1": 0.5, "pca": pca}}}
    losses = (2.30, 2.25, 1.9, 1.8)
    metrics = [
        {"epoch": e, "test_top1": t, "test_loss": loss, "train_top1": 0.4}
        for e, (t, loss) in enumerate(zip((0.1, 0.3, 0.6, 0.5), losses, strict=True))
    ]
    derived = derive(summary, metrics)
    assert derived["intact"] == {"components_90": 4, "variance_in_two": 0.7}
    assert derived["accuracy_gap"] == pytest.approx(-0.1)
    assert (derived["best_epoch"], derived["plateau_epochs"]) == (2, 3)
    assert 1.9 < 0.95 * math.log(10) < 2.25
    assert derive(summary, metrics[:1])["plateau_epochs"] is None


def test_names_units_and_signs() -> None:
    recall = measure("evaluations.lesioned.recall.bird")
    assert (recall.label, recall.unit_of(), recall.unit_of(difference=True)) == ("recall of bird", "%", "points")
    assert recall.show(0.1234) == "12.34"
    assert recall.show(-0.1234, difference=True) == "−12.34"
    assert recall.show(None) == "–"
    assert measure("some.path").label == "some.path"
    gap = measure("derived.accuracy_gap")
    assert (gap.unit_of(), gap.unit_of(difference=True), gap.share) == ("points", "points", False)
    assert recall.share


def test_trials_are_the_images_behind_a_proportion(collection: Collection) -> None:
    summary = collection.runs[0].summary
    assert trials("evaluations.intact.top1", summary) == 200
    assert trials("evaluations.intact.recall.bird", summary) == 20
    assert math.isinf(trials("evaluations.intact.pca.explained_variance_ratio.0", summary))


def test_two_runs_say_nothing_of_their_spread() -> None:
    assert curve_deviations([[0.1, 0.2], [0.3, 0.5]]) == [None, None]
    assert curve_deviations([[0.1, 0.2], [0.3, 0.5], [0.4, 0.9]]) == pytest.approx([0.25, 0.0, 0.25])


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_test_of_spread_keeps_its_size(n: int) -> None:
    """Curves alike in spread, seeds shared: the seed-paired t test of their deviations rejects at most at its level."""
    rng, trials_made = np.random.default_rng(8), 1500
    rejected = 0
    for _ in range(trials_made):
        shared = 0.5 * rng.normal(size=(n, 1))
        a, b = (shared + rng.normal(size=(n, 1)) + 0.6 * rng.normal(size=(n, 5)) for _ in range(2))
        p = estimates.mean(np.subtract(curve_deviations(a), curve_deviations(b))).p_value()  # type: ignore[arg-type]
        rejected += p is not None and p < 0.05
    assert rejected / trials_made <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials_made)


def test_a_list_of_other_length_takes_numbers_only() -> None:
    document = {"classes": ["1", "0"], "pair": [5, 6], "triple": [7, 8, 9]}
    assert look_up(document, "pair.1") == 5  # a class's name wins where there is one entry a class
    assert look_up(document, "triple.1") == 8
    assert look_up({"classes": [], "none": None}, "none") is None
