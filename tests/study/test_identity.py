"""A run's identity: what is finished stays finished when the configuration gains a field."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alexnet_study.errors import RequestError
from alexnet_study.files import indented_json
from alexnet_study.study.configs import ModelConfig, RecipeConfig, RunConfig
from alexnet_study.study.identity import differences, identity, identity_hash, parse_identity
from alexnet_study.study.study import load_study

REFERENCE = sorted(Path("results/reference").glob("*/*/seed-*/config.json"))


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """A nested configuration, which itself has gained a field."""

    shape: str = "linear"
    warmup: int = field(default=0, metadata={"since": 4})


@dataclass(frozen=True, kw_only=True)
class GrownRecipe(RecipeConfig):
    """The recipe with a plain and a nested field more."""

    sharpness: float = field(default=0.0, metadata={"since": 3})
    mixing: Mixing = field(default_factory=Mixing, metadata={"since": 3})


@dataclass(frozen=True, kw_only=True)
class GrownModel(ModelConfig):
    """The model with a field more, which is built anew for each model."""

    dilations: tuple[int, ...] = field(default_factory=lambda: (1, 1, 1, 1, 1), metadata={"since": 3})


@dataclass(frozen=True, kw_only=True)
class Unready(RecipeConfig):
    """A younger field without a default."""

    sharpness: float = field(metadata={"since": 3})


def test_every_finished_run_of_the_reference_keeps_its_hash() -> None:
    names = {folder.name for folder in Path("results/reference").iterdir()}
    assert names
    assert {path.parts[2] for path in REFERENCE} == names
    studies = {name: load_study(Path(f"jobs/studies/{name}.yaml")) for name in names}
    for path in REFERENCE:
        stored = json.loads(path.read_text())
        fields = {name: value for name, value in stored.items() if name not in ("variant", "hash")}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == stored["hash"], path
        rebuilt = identity(studies[path.parts[2]].run(stored["variant"], stored["seed"]), stored["dataset"])
        assert indented_json(rebuilt.as_json()) == path.read_bytes(), path
        assert parse_identity(stored, path.name) == rebuilt, path


def test_a_younger_field_at_its_default_leaves_the_identity_as_it_was(run: RunConfig) -> None:
    grown = dataclasses.replace(run, recipe=GrownRecipe(**vars(run.recipe)), model=GrownModel(**vars(run.model)))
    assert identity(grown, "data").as_json() == identity(run, "data").as_json()


@pytest.mark.parametrize(
    ("changed", "stored"),
    [
        ({"sharpness": 0.1}, {"sharpness": 0.1}),
        ({"mixing": Mixing(shape="cosine")}, {"mixing": {"shape": "cosine"}}),
        ({"mixing": Mixing(warmup=2)}, {"mixing": {"shape": "linear", "warmup": 2}}),
    ],
)
def test_a_younger_field_of_another_value_is_part_of_the_identity(
    run: RunConfig, changed: dict[str, object], stored: dict[str, object]
) -> None:
    recipe = GrownRecipe(**vars(run.recipe))
    before = identity(run, "data")
    after = identity(dataclasses.replace(run, recipe=dataclasses.replace(recipe, **changed)), "data")
    assert after.recipe_fields == {**before.recipe_fields, **stored}
    assert after.hash != before.hash


def test_all_that_differs_between_two_identities_is_named_with_both_values(run: RunConfig) -> None:
    model = dataclasses.replace(run.model, skips=(), batch_norm=True)
    recipe = dataclasses.replace(run.recipe, epochs=9)
    other = dataclasses.replace(run, seed=7, model=model, recipe=recipe)
    assert differences(identity(run, "a" * 64), identity(other, "b" * 64)) == [
        "seed: 0 there, 7 here",
        "dataset: aaaaaaaaaaaa there, bbbbbbbbbbbb here",
        "model.skips: [conv2] there, [] here",
        "model.batch_norm: false there, true here",
        "recipe.epochs: 2 there, 9 here",
    ]
    assert differences(identity(run, "a"), identity(dataclasses.replace(run, variant="x"), "a")) == []


def test_a_younger_field_needs_a_default(run: RunConfig) -> None:
    recipe = Unready(**vars(run.recipe), sharpness=0.0)
    with pytest.raises(TypeError, match=r"Unready\.sharpness"):
        identity(dataclasses.replace(run, recipe=recipe), "data")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "one"}, r"seed: 'one'"),
        ({"threads": None}, r"threads: None"),
        ({"recipe": {"epochs": 2}}, "expected all fields of its model and its recipe"),
        ({"recipe": None}, "recipe: expected a mapping"),
        ({"colour": "red"}, "unknown key colour"),
    ],
)
def test_an_identity_that_no_run_writes_is_refused(run: RunConfig, change: dict[str, object], message: str) -> None:
    content = json.loads(json.dumps(identity(run, "data").as_json())) | change
    content["hash"] = identity_hash(content)
    with pytest.raises(RequestError, match=message):
        parse_identity(content, "config.json")


def test_both_spellings_of_batch_normalisation_are_one_identity(run: RunConfig) -> None:
    models = [ModelConfig(batch_norm=True), ModelConfig(norm="batch"), ModelConfig(norm="batch", batch_norm=True)]
    first, *others = [identity(dataclasses.replace(run, model=model), "data") for model in models]
    assert all(other == first for other in others)
    assert "norm" not in json.loads(json.dumps(first.as_json()))["model"]
    assert {model.normalisation for model in models} == {"batch"}
