"""Confusion matrices of a hundred classes: what can't be written into cells is listed, against brute force."""

import dataclasses

import numpy as np
import pytest

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import sampled
from alexnet_study.report.sections import confusion
from alexnet_study.report.values import CONFUSION, RunValues, Values

CLASSES = tuple(f"class {number}" for number in range(100))
SEEDS = range(4)


@pytest.fixture(scope="module")
def counts() -> dict[tuple[str, int], np.ndarray]:
    """Confusion matrices (100, 100) by variant and seed; a class has 20 to 60 test images."""
    rng = np.random.default_rng(7)
    images = rng.integers(20, 61, size=100)
    made = {}
    for variant in ("baseline", "skip"):
        shares = rng.dirichlet(np.full(100, 0.05), size=100)
        for seed in SEEDS:
            made[variant, seed] = np.array([rng.multinomial(n, row) for n, row in zip(images, shares, strict=True)])
    return made


@pytest.fixture
def many(collection: Collection, counts: dict[tuple[str, int], np.ndarray]) -> Collection:
    """Two variants on a hundred classes."""
    metric = ("intact", CONFUSION.format("intact"))
    values = [
        RunValues(variant=variant, seed=seed, single={}, vectors={metric: own.astype(float)})
        for (variant, seed), own in counts.items()
    ]
    runs = tuple(
        dataclasses.replace(run, classes=CLASSES, evaluations=("intact",))
        for run in collection.runs
        if run.seed in SEEDS
    )
    return dataclasses.replace(collection, runs=runs, values=Values(values, CLASSES))


def test_the_most_confused_pairs_are_those_of_all_pairs(
    many: Collection, counts: dict[tuple[str, int], np.ndarray]
) -> None:
    shares = {
        variant: np.mean([counts[variant, seed] / counts[variant, seed].sum(1)[:, None] for seed in SEEDS], axis=0)
        for variant in ("baseline", "skip")
    }
    pairs = {
        (CLASSES[true], CLASSES[predicted]): (shares["baseline"][true, predicted], shares["skip"][true, predicted])
        for true in range(100)
        for predicted in range(100)
        if true != predicted
    }
    expected = sorted(pairs, key=lambda pair: -sum(pairs[pair]))[:20]
    found = confusion.confused_pairs(many)
    assert list(zip(found.display["true"], found.display["predicted"], strict=True)) == expected
    for row in found.tidy.itertuples():
        assert row.share == pytest.approx(pairs[row.true, row.predicted][row.variant == "skip"])
    first = found.display.iloc[0]
    assert first["baseline (n = 4)"] == f"{100 * pairs[expected[0]][0]:.1f}"


def test_a_matrix_of_many_classes_has_a_scale_and_few_names(many: Collection, material: Material) -> None:
    drawn = []
    axes_of = confusion._panels

    def panels(count: int) -> object:
        drawn.append(axes_of(count))
        return drawn[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confusion, "_panels", panels)
        section = confusion.section(dataclasses.replace(material, collection=many))
    assert [table.name for table in section.tables] == ["confused_pairs"]
    for figure, axes in drawn:
        assert len(figure.axes) == len(axes) + 1  # the scale of colours
        assert [label.get_text() for label in axes[0].get_yticklabels()] == [
            CLASSES[place] for place in range(0, 100, 5)
        ]
        assert not axes[0].texts


def test_ten_classes_have_their_numbers_in_the_cells_and_no_list(material: Material) -> None:
    section = confusion.section(material)
    assert not section.tables
    assert len(section.pictures) == 2


@pytest.mark.parametrize(("count", "most"), [(1, 20), (20, 20), (21, 20), (100, 20), (1000, 20)])
def test_names_are_taken_evenly_and_not_more_than_fit(count: int, most: int) -> None:
    places = sampled(count, most)
    assert len(places) <= most
    assert len(places) == count or len(places) > most // 2
    assert len(set(np.diff(places))) <= 1
    assert places[0] == 0
