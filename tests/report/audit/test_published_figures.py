"""Published figures: planted ones are found where they were planted."""

import dataclasses
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from alexnet_study.report.audit.published import (
    EVALUATIONS,
    Joint,
    check_figures,
    check_vectors,
    figure_json,
    tally,
    vector_json,
)
from alexnet_study.report.collection import Collection
from alexnet_study.report.material import gather
from alexnet_study.report.rendering.picture import STYLE
from alexnet_study.report.sections.answer import answer
from alexnet_study.report.sections.published import evidence, programs
from alexnet_study.report.statistics.estimates import Interval, prediction
from alexnet_study.report.statistics.joint import joint_rank
from alexnet_study.report.values import RunValues, Values
from alexnet_study.study.claims import Published, PublishedFigures
from tests.pointer import lie_on_a_linear_axis

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECALLS = tuple(f"evaluations.intact.recall.{name}" for name in CLASSES)
PCA = ("derived.intact.variance_in_two", "evaluations.intact.pca.explained_variance_ratio.0")


def published(collection: Collection, **values: tuple[float, ...]) -> Collection:
    groups = (
        PublishedFigures(name="recalls", program="p.py", metrics=RECALLS, values=values, joint=True),
        PublishedFigures(
            name="pca", program="q.py", metrics=PCA, values={name: (0.5, 0.3) for name in values}, joint=True
        ),
    )
    study = Published(source="s", data="original", runs="one", figures=groups)
    return dataclasses.replace(collection, study=dataclasses.replace(collection.study, published=study))


def recalls(collection: Collection, evaluation: str, variant: str = "skip") -> tuple[float, ...]:
    """Return the recalls of the run of seed 0."""
    return tuple(collection.values.of(variant, metric, evaluation)[0] for metric in RECALLS)


@pytest.mark.parametrize("evaluation", EVALUATIONS)
def test_a_run_of_an_evaluation_is_found_to_be_of_it(collection: Collection, evaluation: str) -> None:
    case = published(collection, skip=recalls(collection, evaluation))
    vector = check_vectors(case)[0]
    (other,) = set(EVALUATIONS) - {evaluation}
    assert vector.conclusion == f"fits {evaluation} only; {other}: farther than every run"
    entry = vector_json(vector)["evaluations"]
    assert (entry[evaluation]["standing"], entry[other]["standing"]) == ("fits", "farthest")
    assert entry[other]["p"] == entry[other]["least_p"] == pytest.approx(1 / 7)
    assert entry[evaluation]["p"] > 1 / 7
    assert entry[evaluation]["n"] == 6
    assert entry[evaluation]["log_predictive_density"] > entry[other]["log_predictive_density"]
    inside = {name: tally(check_figures(case), name)[0] for name in EVALUATIONS}
    assert min(inside, key=lambda name: inside[name]) == evaluation


def test_each_program_is_counted_by_itself(collection: Collection) -> None:
    """The recalls are a lesioned run's own; PC1 and the sum of two components were planted far off."""
    case = published(collection, skip=recalls(collection, "lesioned"))
    found = programs(check_figures(case)).tidy.set_index(["program", "evaluation"])
    assert found.loc[("p.py", "lesioned"), ["outside", "figures"]].tolist() == [0, 10]
    assert found.loc[("p.py", "intact"), "outside"] > 5
    assert found["figures"].tolist() == [10, 10, 2, 2]
    assert found["by_chance"].tolist() == pytest.approx([0.5, 0.5, 0.1, 0.1])


def test_a_gap_of_proportions_has_no_logit_whatever_its_sign(collection: Collection) -> None:
    """Its prediction interval does not change its scale where all runs happen to have a positive one."""
    gap = ("", "derived.accuracy_gap")
    own = [RunValues(variant="skip", seed=n, single={gap: 0.02 + n / 100}, vectors={}) for n in range(6)]
    group = PublishedFigures(name="g", program="p.py", metrics=("derived.accuracy_gap",), values={"skip": (0.1,)})
    stated = Published(source="s", data="original", runs="one", figures=(group,))
    study = dataclasses.replace(collection.study, published=stated)
    (check,) = check_figures(dataclasses.replace(collection, values=Values(own, CLASSES), study=study))
    assert check.predicted["intact"] == prediction([(1.0, [0.02 + seed / 100 for seed in range(6)])])


def test_the_rank_is_by_brute_force_and_distances_are_said_as_what_they_are(collection: Collection) -> None:
    target = np.array(recalls(collection, "lesioned")) + 0.05
    vector = check_vectors(published(collection, skip=tuple(target.tolist())))[0]
    runs = np.array([list(collection.values.of("skip", metric, "lesioned").values()) for metric in RECALLS]).T
    points = np.vstack([runs, target])
    points = points / points.std(0, ddof=1)
    away = np.array([[np.sqrt(((a - b) ** 2).mean()) for b in points] for a in points])
    scores = away.sum(1) / 6
    entry = vector_json(vector)["evaluations"]["lesioned"]
    assert entry["score"] == pytest.approx(scores[-1])
    assert entry["p"] == pytest.approx((scores >= scores[-1] - 1e-12).mean())
    between = away[:6, :6][np.triu_indices(6, 1)]
    assert entry["between_runs"] == pytest.approx([between.min(), between.max()])


def test_figures_that_follow_or_cannot_vary_are_not_counted(collection: Collection) -> None:
    checks = [check for check in check_figures(collection) if check.variant == "skip"]
    left_out = {check.metric for check in checks if not check.counted}
    assert left_out >= {"gap.published", "derived.accuracy_gap", "derived.intact.variance_in_two"}
    assert [c.counted for c in checks if c.metric == "evaluations.intact.top1"] == [True, False]
    best = next(check for check in checks if check.metric == "derived.best_epoch")
    still = dataclasses.replace(best, predicted={"intact": Interval(low=4.0, high=4.0)})
    assert not still.counted
    (whole,) = [check for check in check_vectors(collection) if check.mixed and check.variant == "skip"]
    assert whole.size == 13  # top-3, ten recalls, PC1 and PC2


def test_twenty_runs_can_refuse() -> None:
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(20, 3))
    rank = joint_rank([9.0, 9.0, 9.0], runs)
    few = joint_rank([9.0, 9.0, 9.0], runs[:19])
    assert rank is not None
    assert few is not None
    assert (Joint(rank=rank, density=None).standing, Joint(rank=few, density=None).standing) == ("refused", "farthest")


def test_what_fits_neither_says_which_has_the_higher_density(collection: Collection) -> None:
    lesioned = np.array(recalls(collection, "lesioned"))
    away = tuple(np.clip(lesioned + 0.3, 0, 1).tolist())
    found = check_vectors(published(collection, skip=away))[0].conclusion
    assert found == "farther than every run of both; the higher density is lesioned"


def test_a_vector_that_fits_both_does_not_discriminate(collection: Collection) -> None:
    case = published(collection, skip=recalls(collection, "lesioned"))
    middle = np.mean([list(collection.values.of("skip", metric).values()) for metric in PCA], axis=1)
    groups = case.study.published.figures  # type: ignore[union-attr]
    both = dataclasses.replace(groups[1], values={"skip": tuple(middle)})
    study = dataclasses.replace(case.study.published, figures=(groups[0], both))  # type: ignore[type-var]
    case = dataclasses.replace(case, study=dataclasses.replace(case.study, published=study))
    recall, pca, together = check_vectors(case)
    only = "fits lesioned only; intact: farther than every run"
    assert (recall.conclusion, pca.conclusion) == (only, "doesn't discriminate: fits both")
    assert (together.group, together.size, together.conclusion) == ("recalls + pca", 12, only)


def test_a_variant_without_a_skip_is_a_control(collection: Collection) -> None:
    own = recalls(collection, "intact", "baseline")
    assert check_vectors(published(collection, baseline=own))[0].conclusion == "fits"
    away = published(collection, baseline=tuple(1 - x for x in own))
    assert check_vectors(away)[0].conclusion == "farther than every run"


def test_single_figures_and_how_many_fall_outside_by_chance(collection: Collection) -> None:
    checks = check_figures(published(collection, skip=recalls(collection, "intact")))
    outside, judged, expected = tally(checks)
    assert (judged, expected) == (12, pytest.approx(0.6))
    assert outside == sum(check.inside("intact") is False for check in checks)
    entry = figure_json(checks[0])
    assert entry["inside_prediction_interval"]["intact"] is True
    assert set(entry["prediction_interval"]) == set(EVALUATIONS)


def test_without_a_published_study_there_is_nothing_to_check(collection: Collection) -> None:
    bare = dataclasses.replace(collection, study=dataclasses.replace(collection.study, published=None))
    assert check_figures(bare) == check_vectors(bare) == []


def test_a_plus_in_a_groups_name_means_nothing(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STYLE, "svg.fonttype", "none")  # letters, not their outlines
    case = published(collection, skip=recalls(collection, "lesioned"))
    groups = case.study.published.figures  # type: ignore[union-attr]
    renamed = (dataclasses.replace(groups[0], name="top-1 + top-3"), groups[1])
    study = dataclasses.replace(case.study.published, figures=renamed)  # type: ignore[type-var]
    named = dataclasses.replace(case, study=dataclasses.replace(case.study, published=study))
    for plain, check in zip(check_vectors(case), check_vectors(named), strict=True):
        assert (check.mixed, check.joint) == (plain.mixed, plain.joint)
    sentence = answer(gather(named, Path("nowhere")))[2]
    assert "(top-1 + top-3, pca)" in sentence
    with matplotlib.rc_context(STYLE):
        drawn = evidence(gather(named, Path("nowhere"))).svg.decode()
    assert drawn.count("all together:") == 1
    assert "top-1 + top-3:" in drawn


def test_a_pointer_on_a_published_figure_reads_it_beside_ours(collection: Collection) -> None:
    values = recalls(collection, "lesioned")
    case = published(collection, skip=values)
    spots = evidence(gather(case, Path("nowhere"))).spots
    alone, together = spots[:12], spots[12:]
    assert lie_on_a_linear_axis(alone, [*values, 0.5, 0.3])
    for spot, value in zip(alone, [*values, 0.5, 0.3], strict=True):
        assert f"published: {100 * value:.2f}; one run of ours: intact [" in spot.text
    assert [spot.text.split(": ")[0] for spot in together[:2]] == ["recalls, intact", "recalls, lesioned"]
    assert all("of the farthest run's distance, p = " in spot.text for spot in together)
