"""The ladder: one change a rung, downwards too, its claims between neighbours, its choices made elsewhere."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest

from alexnet_study.study.configs import ModelConfig, RecipeConfig
from alexnet_study.study.study import Study, load_study

RATE = "learning_rate"
PILOT = Path("results/reference/ladder_pilot")
TRIED = ("muon", "pooled", "whitening", "augmentation", "smoothing", "gelu", "max_pooled", "small_batches", "skips")


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
    "batch_norm": {"batch_norm"},
    "muon": {"optimizer", RATE},
    "pooled": {"head", RATE},
    "augmentation": {"augmentation"},
    "smoothing": {"label_smoothing"},
    "small_batches": {"batch_size"},
    "top": {"widths"},
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
        assert changed(ladder, "top", name) == RUNGS[rung] - ({RATE} if rung == "pooled" else set())
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
    tried = [(run.model, run.recipe) for run in (pilot.run(name, 0) for name in pilot.variants)]
    for rung in ("published", *RUNGS):
        run = ladder.run(rung, 0)
        assert (run.model, run.recipe) in tried, rung
    for rung in ("one_cycle", "batch_norm", "muon", "pooled", "top"):
        first, *others = (name for name in pilot.variants if name.startswith(f"{rung}_r"))
        assert others
        for name in others:
            assert changed(pilot, first, name) == {RATE}


def test_the_pilots_choice_is_the_ladder(ladder: Study, pilot: Study) -> None:
    """By its rule, from the records of its second round: what stays, and at which rate."""
    means: dict[str, float] = {}
    for name in pilot.variants:
        texts = [path.read_text() for path in PILOT.glob(f"{name}/seed-*/summary.json")]
        values = [json.loads(text)["evaluations"]["intact"]["top1"] for text in texts]
        if values:
            assert len(values) == len(pilot.seeds), name
            means[name] = sum(values) / len(values)
    level, stays = means["batch_norm"], []
    for ingredient in TRIED:
        best = max(
            (name for name in means if name.rpartition("_r")[0] == ingredient or name == ingredient),
            key=means.__getitem__,
        )
        if means[best] > level:
            level = means[best]
            stays.append(best)
    top, one_cycle, muon = (
        max((name for name in means if name.startswith(f"{rung}_r")), key=means.__getitem__)
        for rung in ("top", "without_one_cycle", "without_muon")
    )
    assert [name.partition("_r0")[0] for name in stays] == list(RUNGS)[2:-1]
    for name in (*stays, top):
        run, rung = pilot.run(name, 0), ladder.run(name.partition("_r0")[0], 0)
        assert (run.model, run.recipe) == (rung.model, rung.recipe)
    for name, rung in ((one_cycle, "without_one_cycle"), (muon, "without_muon")):
        assert pilot.run(name, 0).recipe.learning_rate == ladder.run(rung, 0).recipe.learning_rate
