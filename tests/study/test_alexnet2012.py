"""The study of the AlexNet paper's claims, and the pilot that chooses its learning rates."""

import dataclasses
from pathlib import Path

import pytest

from alexnet_study.study.configs import ModelConfig, RecipeConfig
from alexnet_study.study.study import Study, load_study


@pytest.fixture(scope="module")
def judged() -> Study:
    return load_study(Path("jobs/studies/alexnet2012.yaml"))


@pytest.fixture(scope="module")
def pilot() -> Study:
    return load_study(Path("jobs/studies/alexnet2012_pilot.yaml"))


def test_choices_are_made_on_other_seeds_and_held_out_images(judged: Study, pilot: Study) -> None:
    assert set(judged.seeds).isdisjoint(pilot.seeds)
    assert len(judged.seeds) >= 5
    assert (judged.holdout, pilot.holdout) == (0, 5000)
    assert pilot.claims == ()


def test_each_learning_rate_is_of_the_pilots_grid_which_differs_in_nothing_else(judged: Study, pilot: Study) -> None:
    for name in judged.variants:
        own = judged.run(name, 0)
        tried = [pilot.run(other, 0) for other in pilot.variants if other.rpartition("_")[0] == name]
        assert len(tried) >= 3
        assert own.recipe.learning_rate in [run.recipe.learning_rate for run in tried]
        for run in tried:
            assert run.model == own.model
            same = dataclasses.replace(run.recipe, learning_rate=own.recipe.learning_rate, epochs=own.recipe.epochs)
            assert same == own.recipe


def test_each_pair_differs_in_what_its_claim_is_about(judged: Study) -> None:
    runs = {name: judged.run(name, 0) for name in judged.variants}
    plain = ModelConfig()
    assert runs["alexnet"].model == plain
    assert runs["response_norm"].model == dataclasses.replace(plain, norm="local_response")
    assert runs["overlapping"].model == dataclasses.replace(plain, pool="overlapping")
    assert runs["no_dropout"].model == dataclasses.replace(plain, dropout=0.0)
    assert runs["tanh"].model == dataclasses.replace(runs["relu"].model, activation="tanh")
    for name in ("relu", "tanh"):  # no regularisation of any kind
        recipe = runs[name].recipe
        assert (runs[name].model.dropout, recipe.weight_decay, recipe.label_smoothing) == (0, 0, 0)
        assert recipe.augmentation == RecipeConfig().augmentation
        assert recipe.average == "none"


def test_every_published_size_is_a_claim_beside_its_direction(judged: Study) -> None:
    claims = {claim.id: claim for claim in judged.claims}
    assert claims["1 six times"].variants == {"relu": 6, "tanh": -1}
    assert claims["2 two points"].below == -0.02
    assert claims["3 size"].below == -0.004
    assert claims["4 doubles"].variants == {"alexnet": 1, "no_dropout": -2}
    assert {claim.number for claim in judged.claims} == {"1", "2", "3", "4"}
