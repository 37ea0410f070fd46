"""Accuracy against training time, from the runs' files; Pareto's frontier against all pairs."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet_study.report.collection import collect
from alexnet_study.report.material import Material, gather
from alexnet_study.report.sections import frontier
from alexnet_study.study.study import load_study
from tests.pointer import lie_on_a_linear_axis

SEEDS = 3
SECONDS = {"published": 2.0, "one_cycle": 2.0, "muon": 3.0, "top": 9.0}  # an epoch
SKILL = {"published": 0.5, "one_cycle": 3.0, "muon": 1.5, "top": 6.0}

numbers = st.integers(0, 5).map(float)


@pytest.fixture
def material(tmp_path: Path, write_runs: Callable[..., None]) -> Material:
    study = load_study(Path("jobs/studies/ladder.yaml"))
    study = dataclasses.replace(
        study,
        seeds=tuple(range(SEEDS)),
        looks={SEEDS: 1},
        variants={name: study.variants[name] for name in SECONDS},
        claims=(),
    )
    write_runs(study, tmp_path, images=60, kept=10, skill=SKILL)
    for name, seconds in SECONDS.items():
        for path in tmp_path.glob(f"ladder/{name}/seed-*/metrics.jsonl"):
            records = [json.loads(line) | {"seconds": seconds} for line in path.read_text().splitlines()]
            path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return gather(collect(study, tmp_path), tmp_path / "ladder/report")


def test_every_variant_has_its_seconds_and_its_accuracy(material: Material, tmp_path: Path) -> None:
    section = frontier.section(material)
    assert section is not None
    tidy = section.tables[0].tidy.set_index("variant")
    assert list(tidy.index) == list(SECONDS)
    for name, seconds in SECONDS.items():
        texts = [path.read_text() for path in tmp_path.glob(f"ladder/{name}/seed-*/summary.json")]
        values = [json.loads(text)["evaluations"]["intact"]["top1"] for text in texts]
        row = tidy.loc[name]
        assert (row["seconds"], row["estimate"], row["n"]) == pytest.approx((5 * seconds, np.mean(values), SEEDS))
    assert dict(tidy["on_frontier"]) == {"published": False, "one_cycle": True, "muon": False, "top": True}
    assert list(section.pictures[0].data["best"]) == [False, True, False, True]


def test_variants_of_one_work_have_no_frontier(collection: object, material: Material) -> None:
    own = material.collection
    few = dataclasses.replace(own, runs=tuple(run for run in own.runs if run.variant != "top"))
    assert frontier.differ_in_work(own)
    assert not frontier.differ_in_work(dataclasses.replace(few, study=own.study))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=9))
def test_the_frontier_is_what_nothing_dominates(pairs: list[tuple[float, float]]) -> None:
    undominated = {
        index
        for index, (seconds, accuracy) in enumerate(pairs)
        if not any(s <= seconds and a >= accuracy and (s, a) != (seconds, accuracy) for s, a in pairs)
    }
    assert set(frontier.frontier(pairs)) == undominated


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), max_size=12))
def test_points_that_are_near_share_a_text(places: list[tuple[float, float]]) -> None:
    """Against all chains: two are together if a chain of near ones leads from one to the other."""
    count = len(places)
    across, up = frontier.NEAR
    reach = np.eye(count, dtype=bool)
    for i, (x, y) in enumerate(places):
        for j, (u, v) in enumerate(places):
            reach[i, j] |= abs(x - u) < across and abs(y - v) < up
    for _ in range(count):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    expected = sorted({tuple(np.flatnonzero(row).tolist()) for row in reach})
    assert [tuple(group) for group in frontier.groups(places)] == expected


def test_a_pointer_on_a_variant_reads_its_name_and_accuracy_where_it_is_drawn(material: Material) -> None:
    section = frontier.section(material)
    assert section is not None
    tidy, spots = section.tables[0].tidy, section.pictures[0].spots
    expected = [
        (f"{row.number} {row.variant}, {row.seconds:.1f} s", f"{100 * row.estimate:.2f}") for row in tidy.itertuples()
    ]
    for spot, (name, value) in zip(spots, expected, strict=True):
        assert spot.text.startswith(f"{name}: {value}")
    assert lie_on_a_linear_axis(spots, list(np.log(tidy["seconds"])))
    assert lie_on_a_linear_axis(spots, list(tidy["estimate"]), upright=True)
