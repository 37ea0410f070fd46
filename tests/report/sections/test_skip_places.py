"""Effects of skips: as least squares with ±1 coding has them, and as counting over the subsets does."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.factorial import subsets
from alexnet_study.report.material import Material, gather
from alexnet_study.report.sections import skip_places
from alexnet_study.study.study import Study, load_study
from tests.pointer import lie_on_a_linear_axis

SEEDS = 3
PLACES = ("conv2", "conv3", "conv4", "conv5")
EVERY = [frozenset(chosen) for n in range(5) for chosen in itertools.combinations(PLACES, n)]


@pytest.fixture(scope="module")
def whole() -> Study:
    """jobs/studies/where.yaml with few seeds, and names that say nothing."""
    study = load_study(Path("jobs/studies/where.yaml"))
    names = {name: f"variant{number}" for number, name in enumerate(reversed(study.variants))}
    variants = {names[name]: study.variants[name] for name in study.variants}
    return dataclasses.replace(study, seeds=tuple(range(SEEDS)), looks={SEEDS: 1}, variants=variants, claims=())


@pytest.fixture(scope="module")
def results(whole: Study, tmp_path_factory: pytest.TempPathFactory, write_runs: Callable[..., None]) -> Path:
    folder = tmp_path_factory.mktemp("where")
    skill = {name: 1.0 + 0.8 * len(whole.run(name, 0).model.skips) ** 0.5 for name in whole.variants}
    write_runs(whole, folder, images=40, kept=10, skill=skill)
    return folder


@pytest.fixture(scope="module")
def material(whole: Study, results: Path) -> Material:
    return gather(collect(whole, results), results / "where/report")


def top1(whole: Study, results: Path) -> np.ndarray:
    """Test top-1 (16, seeds) in the order of EVERY."""
    by_skips = {frozenset(whole.run(name, 0).model.skips): name for name in whole.variants}
    paths = [[results / f"where/{by_skips[own]}/seed-{seed}/summary.json" for seed in range(SEEDS)] for own in EVERY]
    read = [[json.loads(path.read_text())["evaluations"]["intact"]["top1"] for path in row] for row in paths]
    return np.array(read)


def test_effects_are_those_of_least_squares(whole: Study, results: Path, material: Material) -> None:
    section = skip_places.section(material)
    assert section is not None
    tidy = section.tables[0].tidy
    tidy = tidy[tidy["metric"] == "evaluations.intact.top1"].set_index("effect")
    signs = np.array([[1.0 if place in subset else -1.0 for place in PLACES] for subset in EVERY])
    pairs = list(itertools.combinations(range(4), 2))
    design = np.column_stack([np.ones(16), signs, *(signs[:, a] * signs[:, b] for a, b in pairs)])
    coefficients = np.linalg.lstsq(design, top1(whole, results), rcond=None)[0]  # (11, seeds)
    names = [*PLACES, *(f"{PLACES[a]} × {PLACES[b]}" for a, b in pairs)]
    assert list(tidy.index) == names
    for name, by_seed, scale in zip(names, coefficients[1:], [2] * 4 + [4] * 6, strict=True):
        found = scale * by_seed  # a change of the sign by 2; of the product, from its mean over four cells
        half = stats.t.ppf(0.975, SEEDS - 1) * stats.sem(found)
        row = tidy.loc[name]
        assert (row["estimate"], row["low"]) == pytest.approx((found.mean(), found.mean() - half))


def test_effects_are_means_over_the_other_subsets(whole: Study, results: Path, material: Material) -> None:
    cells = dict(zip(EVERY, top1(whole, results).mean(1), strict=True))
    table = skip_places.section(material).tables[0]  # type: ignore[union-attr]
    tidy = table.tidy[table.tidy["metric"] == "evaluations.intact.top1"].set_index("effect")
    gains = [cells[own | {"conv3"}] - cells[own] for own in EVERY if "conv3" not in own]
    assert tidy.loc["conv3", "estimate"] == pytest.approx(np.mean(gains))
    both = [
        cells[own | {"conv2", "conv5"}] - cells[own | {"conv2"}] - cells[own | {"conv5"}] + cells[own]
        for own in EVERY
        if not own & {"conv2", "conv5"}
    ]
    assert tidy.loc["conv2 × conv5", "estimate"] == pytest.approx(np.mean(both))


def test_several_skips_are_held_against_the_sum_of_single_gains(
    whole: Study, results: Path, material: Material
) -> None:
    cells = dict(zip(EVERY, top1(whole, results).mean(1), strict=True))
    tidy = skip_places.section(material).tables[1].tidy.set_index(["skips", "figure"])  # type: ignore[union-attr]
    assert len(tidy) == 3 * 11
    none, every = cells[frozenset()], cells[frozenset(PLACES)]
    singles = sum(cells[frozenset({place})] - none for place in PLACES)
    skips = " ".join(PLACES)
    assert tidy.loc[(skips, "gain"), "estimate"] == pytest.approx(every - none)
    assert tidy.loc[(skips, "sum of the single gains"), "estimate"] == pytest.approx(singles)
    assert tidy.loc[(skips, "gain less the sum"), "estimate"] == pytest.approx(every - none - singles)


def test_the_subsets_are_drawn_in_the_order_of_their_means(whole: Study, results: Path, material: Material) -> None:
    drawn = skip_places.section(material).pictures[0]  # type: ignore[union-attr]
    data = drawn.data[drawn.data["metric"] == "evaluations.intact.top1"]
    order = list(dict.fromkeys(data["skips"]))
    cells = dict(zip(EVERY, top1(whole, results).mean(1), strict=True))
    means = [cells[frozenset() if name == "none" else frozenset(name.split(" + "))] for name in order]
    assert len(order) == 16
    assert means == sorted(means, reverse=True)
    assert drawn.narrow is not None


def test_a_subset_without_runs_is_no_full_factorial(material: Material, collection: Collection) -> None:
    own = material.collection
    assert len(subsets(own)) == 16
    missing = dataclasses.replace(own, runs=tuple(run for run in own.runs if run.variant != "variant3"))
    assert subsets(missing) == {}
    assert subsets(collection) == {}


def test_a_pointer_on_a_subset_reads_its_mean_where_it_is_drawn(
    whole: Study, results: Path, material: Material
) -> None:
    drawn = skip_places.section(material).pictures[0]  # type: ignore[union-attr]
    cells = dict(zip(EVERY, top1(whole, results).mean(1), strict=True))
    accuracy, plateau = drawn.spots[:16], drawn.spots[16:]
    means = []
    for spot in accuracy:
        name, text = spot.text.split(": ")
        means.append(100 * cells[frozenset() if name == "none" else frozenset(name.split(" + "))])
        assert text.startswith(f"{means[-1]:.2f} [")
    assert means == sorted(means, reverse=True)
    assert lie_on_a_linear_axis(accuracy, means)
    assert lie_on_a_linear_axis(accuracy, range(16, 0, -1), upright=True)
    assert [spot.top for spot in plateau] == [spot.top for spot in accuracy]
    assert all(spot.text.endswith(" epochs") for spot in plateau)
