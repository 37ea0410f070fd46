"""The figure of all claims: every line where the runs put it, at the level of its verdict."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material, gather
from alexnet_study.report.rendering.picture import Picture
from alexnet_study.report.sections import claims, forest
from alexnet_study.report.sections.forest import effect
from alexnet_study.report.statistics.estimates import Interval
from tests.pointer import lie_on_a_linear_axis

SEEDS = 6  # of the synthetic runs


def drawn(material: Material) -> Picture:
    found = forest.section(material)
    assert found is not None
    return found.pictures[0]


def top1(made: Path, variant: str) -> np.ndarray:
    texts = [(made / f"skip/{variant}/seed-{seed}/summary.json").read_text() for seed in range(SEEDS)]
    return np.array([json.loads(text)["evaluations"]["intact"]["top1"] for text in texts])


def test_a_claims_line_is_the_t_interval_at_the_level_of_its_verdict(material: Material, made: Path) -> None:
    row = drawn(material).data.set_index("claim").loc["1 accuracy"]
    gains = 100 * (top1(made, "skip") - top1(made, "baseline"))
    level = material.verdicts[0].level
    half = stats.t.ppf(1 - level / 2, SEEDS - 1) * stats.sem(gains)
    expected = (gains.mean(), gains.mean() - half, gains.mean() + half)
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx(expected)
    assert (row["unit"], row["n"], row["null"], row["claimed"]) == ("points", SEEDS, 0, "greater")
    assert row["published"] == pytest.approx(55.27 - 48.92)
    assert row["level"] == level < 0.05


def test_every_claim_has_a_line_and_one_of_absence_its_margin(material: Material) -> None:
    picture = drawn(material)
    assert list(picture.data["claim"]) == [verdict.claim.label for verdict in material.verdicts]
    margins = picture.data[picture.data["null"] != 0]
    assert set(margins["null"]) == {0.05}
    assert set(margins["claimed"]) == {"less"}
    assert all(verdict.claim.statement in picture.alt for verdict in material.verdicts)
    assert picture.narrow is not None


def test_the_published_gain_of_a_class_is_not_drawn_on_the_axis_of_what_exceeds_the_mean(material: Material) -> None:
    classes = [verdict for verdict in material.verdicts if verdict.claim.over_classes]
    assert classes
    assert all(verdict.published is not None and effect(verdict).published is None for verdict in classes)
    own = effect(classes[0])
    assert own.interval is not None
    assert classes[0].estimate is not None
    assert own.interval.high / 100 == pytest.approx(
        classes[0].estimate.interval(1 - classes[0].level / 10).high  # type: ignore[union-attr]
    )


def test_a_published_figure_far_off_does_not_stretch_the_axis(material: Material) -> None:
    own = effect(material.verdicts[0])
    near = forest._limits([own])
    assert forest._limits([dataclasses.replace(own, published=5000.0)])[1] < 200
    assert near[0] < 0 < near[1]


def test_without_runs_of_a_claim_nothing_is_drawn(material: Material) -> None:
    bare = [dataclasses.replace(verdict, contrast=None) for verdict in material.verdicts]
    assert forest.section(dataclasses.replace(material, verdicts=bare)) is None
    some = forest.section(dataclasses.replace(material, verdicts=[material.verdicts[0], *bare[1:]]))
    assert some is not None
    assert "no runs of all its variants yet" in some.pictures[0].alt


def test_an_axis_of_points_ends_where_points_do(material: Material) -> None:
    own = effect(material.verdicts[0])
    wide = dataclasses.replace(own, interval=Interval(low=-110.0, high=320.0))
    low, high = forest._limits([wide])
    assert -105 < low < -100
    assert 100 < high < 105
    assert forest._limits([dataclasses.replace(wide, unit="nats")])[1] > 320


def test_two_seeds_are_said_to_be_too_few(collection: Collection) -> None:
    made = gather(collection.of_seeds([0, 1]), collection.home / "report")
    picture = drawn(made)
    assert picture.data["low"].isna().all()
    assert "two seeds can't tell" in picture.alt
    assert "(two seeds can't tell)" in str(claims.tabulate(made.verdicts).display["ours"].tolist())


def test_a_pointer_on_a_claim_reads_its_estimate_where_it_is_drawn(material: Material, made: Path) -> None:
    picture = drawn(material)
    claims_drawn = [spot for spot in picture.spots if ", published: " not in spot.text]
    texts = dict(spot.text.split(": ", 1) for spot in claims_drawn)
    assert list(texts) == list(picture.data.sort_values("unit", key=_panels(picture), kind="stable")["claim"])
    gain = 100 * (top1(made, "skip") - top1(made, "baseline")).mean()
    assert texts["1 accuracy"].startswith(f"{gain:+.2f} [")
    assert texts["1 accuracy"].endswith("] points")
    rows = picture.data.set_index("claim")
    points = [spot for spot in claims_drawn if rows.loc[spot.text.split(": ")[0], "unit"] == "points"]
    values = [float(rows.loc[spot.text.split(": ")[0], "estimate"]) for spot in points]
    assert len(points) > 3
    assert lie_on_a_linear_axis(points, values)


def _panels(picture: Picture) -> Callable[[pd.Series], pd.Series]:
    """Return the order of the figure's panels: that in which units come up."""
    order = list(dict.fromkeys(picture.data["unit"]))
    return lambda units: units.map(order.index)
