"""The schema of study files agrees with what reads them."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alexnet_study.errors import RequestError
from alexnet_study.study.study import load_study
from documents.schema import PAGE, schema, text

validators = pytest.importorskip("jsonschema", reason="jsonschema is not installed; make setup installs it")
STUDIES = sorted(Path("jobs/studies").glob("*.yaml"))
WHOLE: dict[str, Any] = {
    "name": "mine",
    "question": "Why?",
    "data": "digits",
    "seeds": [0, 3, 4],
    "looks": {3: 1.0},
    "recipe": {"epochs": 3, "schedule": "cosine", "augmentation": {"flip": "random", "translate": 2}},
    "variants": {"plain": None, "skip": {"model": {"skips": ["conv3"], "dropout": 0}, "seeds": 2}},
    "claims": [
        {"id": "1", "statement": "s", "definition": "d", "metric": "evaluations.intact.top1"}
        | {"variants": {"skip": 1, "plain": -1}, "direction": "greater"}
    ],
    "keep": ["model"],
    "measure": ["metrics", "mirrored"],
    "holdout": 100,
}


def complaints(document: object) -> list[str]:
    """What the schema has against a document, whose keys are texts in JSON."""
    validator = validators.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(json.loads(json.dumps(document)))]


def test_the_committed_file_is_what_the_code_says() -> None:
    validators.Draft202012Validator.check_schema(schema())
    assert PAGE.read_text() == text()


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_is_valid_and_names_its_schema(path: Path) -> None:
    assert complaints(yaml.safe_load(path.read_text())) == []
    first = path.read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == PAGE.resolve()


def test_a_study_with_everything_is_valid_to_both(tmp_path: Path) -> None:
    assert complaints(WHOLE) == []
    assert load(WHOLE, tmp_path).seeds_of("skip") == (0,)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda own: own.update(sedes=3),
        lambda own: own.update(seeds=0),
        lambda own: own.update(seeds=[]),
        lambda own: own.update(name="a/b"),
        lambda own: own.update(variants={}),
        lambda own: own.update(measure=["metric"]),
        lambda own: own.update(holdout=-1),
        lambda own: own.update(looks={3: 2}),
        lambda own: own["recipe"].update(epochs="many"),
        lambda own: own["recipe"].update(schedule="cosinus"),
        lambda own: own["recipe"]["augmentation"].update(turn=3),
        lambda own: own["variants"]["skip"]["model"].update(skips=["conv1"]),
        lambda own: own["variants"]["skip"]["model"].update(head="mpl"),
        lambda own: own["variants"]["skip"].update(recipes={}),
        lambda own: own["claims"][0].pop("definition"),
        lambda own: own["claims"][0].update(direction="more"),
        lambda own: own["claims"][0].update(variants={"skip": "one"}),
    ],
)
def test_what_the_schema_refuses_is_refused_by_the_program_too(
    spoil: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    document = copy.deepcopy(WHOLE)
    spoil(document)
    assert complaints(document)
    with pytest.raises(RequestError):
        load(document, tmp_path)


def test_every_field_of_recipe_and_model_has_a_type_and_a_default() -> None:
    properties = schema()["properties"]
    recipe = properties["recipe"]["properties"]
    model = properties["variants"]["additionalProperties"]["properties"]["model"]["properties"]
    for name, own in {**recipe, **model}.items():
        assert "type" in own or "enum" in own, name
        assert "default" in own or own["type"] == "object", name
    assert recipe["schedule"]["description"].startswith("How the learning rate goes")


def load(document: object, folder: Path) -> Any:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_study(path)
