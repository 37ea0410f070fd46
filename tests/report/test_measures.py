"""How figures are named and shown, and those that the report derives."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.measures import BALANCED_ACCURACY, MEASURES, Measure, curve_deviations, derive, measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.values import Values
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Spectrum
from alexnet_study.study.study import Study


def test_derived_figures(made: Path) -> None:
    folder = RunFolder(made / "skip/baseline/seed-0")
    summary = folder.read_summary()
    assert summary is not None
    record = folder.read_metrics()[0]
    pca = Spectrum(explained_variance_ratio=(0.5, 0.2, 0.1, 0.1, 0.1), participation_ratio=3.1)
    intact = dataclasses.replace(summary.evaluations["intact"], top1=0.5, pca=pca)
    summary = dataclasses.replace(summary, evaluations={"intact": intact})
    curve = zip((0.1, 0.3, 0.6, 0.5), (2.30, 2.25, 1.9, 1.8), strict=True)
    epochs = [
        dataclasses.replace(record, epoch=epoch, test_top1=top1, test_loss=loss, train_top1=0.4)
        for epoch, (top1, loss) in enumerate(curve)
    ]
    derived = derive(summary, epochs)
    assert derived["intact", "derived.intact.components_90"] == 4
    assert derived["intact", "derived.intact.variance_in_two"] == 0.7
    assert derived["", "derived.accuracy_gap"] == pytest.approx(-0.1)
    assert (derived["", "derived.best_epoch"], derived["", "derived.plateau_epochs"]) == (2, 3)
    assert 1.9 < 0.95 * math.log(10) < 2.25
    assert derive(summary, epochs[:1])["", "derived.plateau_epochs"] is None


def test_balanced_accuracy_is_scikit_learns(made: Path) -> None:
    folder = RunFolder(made / "skip/baseline/seed-0")
    summary = folder.read_summary()
    assert summary is not None
    confusion = ((40, 8, 2), (3, 4, 1), (0, 1, 1))
    evaluation = dataclasses.replace(summary.evaluations["intact"], confusion=confusion, pca=None)
    derived = derive(dataclasses.replace(summary, evaluations={"intact": evaluation}), folder.read_metrics())
    pairs = [(row, column) for row, counts in enumerate(confusion) for column, n in enumerate(counts) for _ in range(n)]
    assert derived["intact", BALANCED_ACCURACY] == pytest.approx(balanced_accuracy_score(*zip(*pairs, strict=True)))
    empty = dataclasses.replace(evaluation, confusion=((3, 1, 0), (1, 1, 0), (0, 0, 0)))
    derived = derive(dataclasses.replace(summary, evaluations={"intact": empty}), folder.read_metrics())
    assert derived["intact", BALANCED_ACCURACY] == (0.75 + 0.5) / 2


def test_balanced_accuracy_is_shown_of_unbalanced_classes_alone(collection: Collection) -> None:
    assert BALANCED_ACCURACY not in collection.measures
    matrix = np.diag([9.0, *[1.0] * (len(collection.classes) - 1)])
    own = collection.values.runs[0]
    unbalanced = dataclasses.replace(own, vectors={**own.vectors, ("intact", "evaluations.intact.confusion"): matrix})
    runs = [unbalanced, *collection.values.runs[1:]]
    changed = dataclasses.replace(collection, values=Values(runs, collection.classes))
    assert list(changed.measures)[:2] == ["evaluations.intact.top1", BALANCED_ACCURACY]


def test_the_epochs_to_a_quarter_of_errors_are_counted_or_unknown(made: Path) -> None:
    folder = RunFolder(made / "skip/baseline/seed-0")
    summary, record = folder.read_summary(), folder.read_metrics()[0]
    assert summary is not None
    curves = {(0.5, 0.7499, 0.75, 0.9): 3, (0.75, 0.7): 1, (0.1, 0.749): None}
    for curve, expected in curves.items():
        epochs = [dataclasses.replace(record, epoch=n, train_eval_top1=top1) for n, top1 in enumerate(curve)]
        assert derive(summary, epochs)["", "derived.epochs_to_quarter_error"] == expected


def test_one_entry_makes_a_derived_figure(study: Study, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "derived.intact.error"
    monkeypatch.setitem(MEASURES, path, Measure(label="error", proportion=True, of_evaluation=lambda own: 1 - own.top1))
    values = collect(study, made).values
    for evaluation in ("intact", "lesioned"):
        right = values.of("skip", "evaluations.intact.top1", evaluation)
        assert values.of("skip", path, evaluation) == {seed: 1 - top1 for seed, top1 in right.items()}


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
    assert collection.trials(measure("evaluations.intact.top1")) == 200
    assert collection.trials(measure("evaluations.intact.recall.bird")) == 20
    assert math.isinf(collection.trials(measure("evaluations.intact.pca.explained_variance_ratio.0")))


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


def test_what_training_looks_at_beforehand_needs_no_scipy() -> None:
    probe = (
        "import sys, alexnet_study.commands.checked; sys.exit(any(name.startswith('scipy') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
