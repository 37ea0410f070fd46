"""The ladder: one change a rung, downwards too, its claims between neighbours, its choices made elsewhere."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from alexnet_study.study.configs import ModelConfig, RecipeConfig
from alexnet_study.study.study import Study, load_study

RATE = "learning_rate"


@pytest.fixture(scope="module")
def ladder() -> Study:
    return load_study(Path("jobs/studies/ladder.yaml"))


@pytest.fixture(scope="module")
def pilot() -> Study:
    return load_study(Path("jobs/studies/ladder_pilot.yaml"))


def changed(study: Study, one: str, other: str) -> set[str]:
    """The keys in which two variants differ."""
    first, second = study.run(one, 0), study.run(other, 0)
    pairs = ((first.model, second.model), (first.recipe, second.recipe))
    return {own.name for a, b in pairs for own in dataclasses.fields(a) if getattr(a, own.name) != getattr(b, own.name)}


RUNGS = {
    "one_cycle": {"schedule", "warmup_epochs", RATE},
    "batch_norm": {"batch_norm", RATE},
    "skips": {"skips"},
    "augmentation": {"augmentation"},
    "pooled": {"head", RATE},
    "muon": {"optimizer", RATE},
    "whitening": {"initialisation", "kernel"},
    "smoothing": {"label_smoothing"},
    "top": {"widths", "projection"},
}


def test_each_rung_changes_one_ingredient(ladder: Study) -> None:
    published = ladder.run("published", 0)
    assert published.model == ModelConfig()
    assert published.recipe == dataclasses.replace(RecipeConfig(), precision="bf16")
    assert list(ladder.variants)[: len(RUNGS) + 1] == ["published", *RUNGS]
    for before, rung in itertools.pairwise(["published", *RUNGS]):
        assert changed(ladder, before, rung) == RUNGS[rung], rung
    assert {run.recipe.epochs for run in ladder.runs()} == {5}


def test_downwards_each_ingredient_but_the_widths_is_left_out_once(ladder: Study) -> None:
    without = {name.removeprefix("without_"): name for name in ladder.variants if name.startswith("without_")}
    assert set(without) == set(RUNGS) - {"top"}
    for rung, name in without.items():
        assert changed(ladder, "top", name) - {"projection"} == RUNGS[rung] - (
            {RATE} if rung in ("batch_norm", "pooled") else set()
        )
    alone = ladder.run("without_one_cycle", 0).recipe
    assert (alone.schedule, alone.warmup_epochs) == ("constant", 0)


def test_claims_are_on_neighbours_and_on_each_ingredient_at_the_top(ladder: Study) -> None:
    claimed = [dict(claim.variants) for claim in ladder.claims]
    upwards = [{rung: 1, before: -1} for before, rung in itertools.pairwise(["published", *RUNGS])]
    downwards = [{"top": 1, name: -1} for name in ladder.variants if name.startswith("without_")]
    assert claimed == [*upwards, *downwards, {"top mirrored": 1, "top": -1}]
    assert "mirrored" in ladder.measure


def test_the_pilot_holds_the_same_rungs_on_other_seeds_and_held_out_images(ladder: Study, pilot: Study) -> None:
    assert set(ladder.seeds).isdisjoint(pilot.seeds)
    assert (ladder.holdout, pilot.holdout, pilot.claims) == (0, 5000, ())
    for rung in ("published", *RUNGS):
        there, here = pilot.run(rung, 0), ladder.run(rung, 0)
        assert (there.model, there.recipe) == (here.model, here.recipe)
    for rung in ("one_cycle", "batch_norm", "pooled", "muon", "top"):
        others = [name for name in pilot.variants if name.startswith(f"{rung}_r")]
        assert len(others) >= 2
        for name in others:
            assert changed(pilot, rung, name) == {RATE}
    for name in (name for name in pilot.variants if name.startswith("candidate_")):
        assert changed(pilot, "top", name) <= {"activation", "pool", "head", "average", "batch_size"}
