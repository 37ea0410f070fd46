"""The JSON Schema of study files, made from the dataclasses that read them, for editors and other programs.

python -m documents.schema

writes docs/study.schema.json. A schema can't say all: combinations that can't work are refused when the study is read.
"""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexnet_study.files import write_atomically
from alexnet_study.study import claims, configs
from alexnet_study.study.study import NAME, Study, Variant

PAGE = Path("docs/study.schema.json")
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
CHOICES = {
    "activation": configs.ACTIVATIONS,
    "average": configs.AVERAGES,
    "direction": claims.DIRECTIONS,
    "dropout_before": configs.DROPOUT_PLACES,
    "flip": configs.FLIPS,
    "head": configs.HEADS,
    "initialisation": configs.INITIALISATIONS,
    "keep": configs.KEEPABLE,
    "loss": configs.LOSSES,
    "measure": configs.MEASURABLE,
    "norm": configs.NORMS,
    "optimizer": configs.OPTIMIZERS,
    "pool": configs.POOLS,
    "precision": configs.PRECISIONS,
    "schedule": configs.SCHEDULES,
    "skips": configs.CONV_NAMES[1:],
}


def schema() -> dict[str, Any]:
    """Return the schema, of draft 2020-12."""
    own = _of_class(Study)
    seeds = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": COUNT, "minItems": 1}]}
    model, recipe = _of_class(configs.ModelConfig), _of_class(configs.RecipeConfig)
    variant = {**_of_class(Variant), "type": ["object", "null"]}
    variant["properties"] |= {"model": model, "recipe": recipe, "seeds": seeds}
    looks = {"type": "object", "patternProperties": {"^[0-9]+$": {**NUMBER, "exclusiveMinimum": 0, "maximum": 1}}}
    told = {name: value["description"] for name, value in own["properties"].items() if "description" in value}
    own["properties"] |= {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "seeds": seeds,
        "looks": {**looks, "additionalProperties": False},
        "recipe": recipe,
        "variants": {"type": "object", "minProperties": 1, "additionalProperties": variant},
        "holdout": COUNT,
        "extends": {"type": "string"},
    }
    told["extends"] = "A study file beside this one, whose keys it replaces."
    for name, said in told.items():
        own["properties"][name]["description"] = said
    own["required"] = ["name"]  # a file that extends another has the rest from there
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A study of alexnet_study", **own}


def _of_class(cls: type) -> dict[str, Any]:
    """Return the schema of a mapping that becomes a dataclass."""
    hints, told = typing.get_type_hints(cls), _told(cls)
    properties = {}
    for own in dataclasses.fields(cls):
        properties[own.name] = _of_hint(hints[own.name], own.name)
        if own.name in told:
            properties[own.name]["description"] = told[own.name]
        if isinstance(own.default, bool | int | float | str | tuple):
            properties[own.name]["default"] = own.default
    missing = dataclasses.MISSING
    needed = [own.name for own in dataclasses.fields(cls) if own.default is missing and own.default_factory is missing]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _of_hint(hint: Any, name: str) -> dict[str, Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return _of_hint(inner[0], name)
    if origin is tuple:
        return {"type": "array", "items": _of_hint(inner[0], name)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": {} if inner[1] is object else _of_hint(inner[1], name)}
    if dataclasses.is_dataclass(hint):
        return _of_class(typing.cast(type, hint))
    if hint is str and name in CHOICES:
        return {"enum": list(CHOICES[name])}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[hint]} if hint in kinds else {}


def _told(cls: type) -> dict[str, str]:
    """Return what a class's docstring says of each field, after the field's name and a colon."""
    names = "|".join(own.name for own in dataclasses.fields(cls))
    text = " ".join(inspect.cleandoc(cls.__doc__ or "").split())
    parts = re.split(rf"(?:^|(?<=[.;:] ))({names}): ", text)
    return {name: said[0].upper() + said[1:].strip() for name, said in zip(parts[1::2], parts[2::2], strict=True)}


def text() -> str:
    """Return the schema as the file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_atomically(PAGE, text().encode())
    print(PAGE)
