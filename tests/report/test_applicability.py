"""A study is checked before anything is trained, and what the data can't judge is named and left out."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alexnet_study.errors import RequestError
from alexnet_study.report.applicability import (
    DataFacts,
    applicable,
    check_classes,
    check_study,
    inapplicable,
    metrics_of,
)
from alexnet_study.report.audit.verdicts import judge
from alexnet_study.report.collection import collect
from alexnet_study.report.writing import write_report
from alexnet_study.shipped import STUDIES
from alexnet_study.study.claims import Claim
from alexnet_study.study.configs import ModelConfig
from alexnet_study.study.study import Study, load_study

DIGITS = DataFacts(kind="digits", classes=tuple("0123456789"), test_images=360)
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def stating(study: Study, metric: str, **variants: float) -> Study:
    weights = {name.replace("_", " "): weight for name, weight in variants.items()} or {"skip": 1.0, "baseline": -1.0}
    own = Claim(id="1", statement="s", definition="d", metric=metric, variants=weights, direction="less")
    return dataclasses.replace(study, claims=(own,))


@pytest.mark.parametrize("name", STUDIES.names())
def test_the_studies_that_ship_are_right(name: str) -> None:
    check_study(load_study(STUDIES.find(name)))


def test_every_number_of_a_run_is_known_beforehand(study: Study, made: Path) -> None:
    """The paths that the records' types give are those that runs record."""
    values = collect(study, made).values
    for variant, model in (("baseline", ModelConfig()), ("skip", ModelConfig(skips=("conv2",)))):
        recorded = {path for run in values.runs if run.variant == variant for _, path in run.single}
        recorded = {path for path in recorded if ".recall." not in path and ".precision." not in path}
        assert recorded - metrics_of(model) == set()
        absent = metrics_of(model) - recorded
        assert all(".by_stage.conv2.branch." in path for path in absent), absent  # synthetic runs have no branch


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("evaluations.intact.topp1", "did you mean evaluations.intact.top1?"),
        ("evaluations.intact.recal.bird", "did you mean evaluations.intact.recall.CLASS?"),
        ("gap.propper", "did you mean gap.proper?"),
        ("derived.intact.components", "did you mean derived.intact.components_90?"),
        ("evaluations.intact.pca.explained_variance_ratio.1024", "no run of skip has it"),
        ("linear_regressor.intact.by_stage.conv3.branch.top1", "no run of skip has it"),
        ("accuracy", "expected a path such as evaluations.intact.top1"),
        ("evaluations.lesioned.top1", "baseline has no skip connection"),
    ],
)
def test_a_misspelt_metric_is_named_with_what_is_near(study: Study, metric: str, says: str) -> None:
    with pytest.raises(RequestError, match="claim 1: metric ") as caught:
        check_study(stating(study, metric))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("measure", "metric"),
    [
        ("metrics", "evaluations.intact.pca.participation_ratio"),
        ("metrics", "derived.intact.components_90"),
        ("metrics", "evaluations.intact.pca.explained_variance_ratio.0"),
        ("metrics pca", "linear_regressor.intact.closed_form.top1"),
        ("metrics pca", "evaluations.mirrored.top1"),
        ("metrics pca mirrored", "evaluations.mirrored.pca.participation_ratio"),
        ("metrics regressors mirrored", "linear_regressor.mirrored.closed_form.top1"),
    ],
)
def test_a_metric_that_the_study_does_not_measure_is_refused(study: Study, measure: str, metric: str) -> None:
    asked = dataclasses.replace(stating(study, metric), measure=tuple(measure.split()))
    with pytest.raises(RequestError, match="claim 1: metric "):
        check_study(asked)
    everything = ("metrics", "pca", "regressors", "mirrored")
    if ".mirrored." not in metric or metric.endswith("mirrored.top1"):
        check_study(dataclasses.replace(asked, measure=everything))


def test_metrics_of_classes_components_and_branches_are_right(study: Study) -> None:
    check_study(stating(study, "evaluations.intact.recall.any name.v2"))
    check_study(stating(study, "evaluations.intact.pca.explained_variance_ratio.1023"))
    check_study(stating(study, "linear_regressor.intact.by_stage.conv2.branch.top1", skip=1.0))
    check_study(stating(study, "evaluations.intact.top1", skip_lesioned=1.0, baseline=-1.0))
    with pytest.raises(RequestError, match="baseline has no skip connection"):
        check_study(stating(study, "evaluations.intact.top1", baseline_lesioned=1.0))


def test_a_wrong_published_metric_is_named(study: Study) -> None:
    assert study.published is not None
    wrong = dataclasses.replace(study.published.figures[0], metrics=("evaluations.intact.topp1",) * 7, follows=())
    published = dataclasses.replace(study.published, figures=(wrong,))
    with pytest.raises(RequestError, match=r"published figures 'training': metric evaluations\.intact\.topp1"):
        check_study(dataclasses.replace(study, published=published))


def test_digits_have_no_bird_and_no_published_figures(study: Study) -> None:
    bird, ship, figures = inapplicable(study, DIGITS)
    assert str(bird) == (
        "claim 2 bird: not judged, since the data has no class 'bird' but 0, 1, 2, 3, 4 … (10 classes)"
    )
    assert ship.what == "claim 2 ship"
    assert figures.what == "the published figures"
    own = applicable(study, DIGITS)
    assert len(own.claims) == len(study.claims) - 2
    assert own.published is None


def test_a_folder_of_the_same_classes_keeps_all(study: Study) -> None:
    copy = DataFacts(kind="folder", classes=CIFAR10, test_images=100)
    assert inapplicable(study, copy) == ()
    assert applicable(study, copy) == study
    fewer = stating(study, "evaluations.intact.pca.explained_variance_ratio.99")
    assert inapplicable(fewer, copy) == ()
    assert "no principal component 99" in str(inapplicable(fewer, dataclasses.replace(copy, test_images=99)))


def test_a_class_of_the_studys_own_data_may_be_misspelt(study: Study) -> None:
    own = DataFacts(kind="cifar10", classes=CIFAR10, test_images=10000)
    with pytest.raises(RequestError, match="no class 'brid'; did you mean bird"):
        check_classes(stating(study, "evaluations.intact.recall.brid"), own)
    check_classes(stating(study, "evaluations.intact.recall.7"), own)


def test_a_report_judges_what_applies_and_names_the_rest(
    study: Study, write_runs: Callable[..., None], tmp_path: Path
) -> None:
    bird, *_ = (claim for claim in study.claims if claim.id == "2 bird")
    other = dataclasses.replace(bird, id="2 cow", metric="evaluations.intact.recall.cow")
    asked = dataclasses.replace(study, seeds=(0, 1, 2), looks={3: 1.0}, claims=(*study.claims, other))
    write_runs(asked, tmp_path)
    collection = collect(asked, tmp_path)
    assert [verdict.claim.id for verdict in judge(collection)] == [claim.id for claim in study.claims]
    page = write_report(collection, tmp_path)
    told = "Claim 2 cow: not judged, since the data has no class"
    assert told in page.read_text()
    assert told in page.with_name("report.md").read_text()
    content = json.loads(page.with_name("report.json").read_text())
    assert [entry["what"] for entry in content["inapplicable"]] == ["claim 2 cow"]
    assert len(content["claims"]) == len(study.claims)
