"""What the variants are: what they share, where structure and recipe differ, parameters and multiply-adds."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row
from alexnet_study.study.configs import ModelConfig, RecipeConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Fields = dict[str, object]  # of a model's structure or a recipe, by the name of a study file


def section(material: Material) -> Section:
    """Return what the variants share, and a row for each."""
    collection = material.collection
    parts = {"model": (structures(collection), ModelConfig), "recipe": (recipes(collection), RecipeConfig)}
    told = {name: _shared(fields, config) for name, (fields, config) in parts.items()}
    shared = [f"Of the {name} all variants share: {text}." for name, text in told.items() if text]
    return Section(name="variants", title="The variants", text=tuple(shared), items=(tabulate(collection),))


def structures(collection: Collection) -> dict[str, Fields]:
    """Return every field of each variant's structure."""
    return {name: _fields(collection.of(name)[0].identity.model) for name in collection.variants}


def recipes(collection: Collection) -> dict[str, Fields]:
    """Return every field of each variant's recipe."""
    return {name: _fields(collection.of(name)[0].identity.recipe) for name in collection.variants}


def differing(fields: Mapping[str, Fields]) -> list[str]:
    """Return the names of the fields in which variants differ, in a study file's order."""
    first, *others = fields.values()
    return [name for name, value in first.items() if any(other[name] != value for other in others)]


def tabulate(collection: Collection) -> Table:
    """Return each variant's own structure and recipe, its parameters and the multiply-adds of one image."""
    from alexnet_study.models import multiply_adds, parameter_count  # imports torch, which takes seconds

    models, trained = structures(collection), recipes(collection)
    columns = [(models, name) for name in differing(models)] + [(trained, name) for name in differing(trained)]
    rows, display = [], []
    for variant in collection.variants:
        config = collection.of(variant)[0].identity.model
        parameters, adds = (count(config, len(collection.classes)) for count in (parameter_count, multiply_adds))
        n = len(collection.of(variant))
        fields = {name: _text(value) for name, value in {**models[variant], **trained[variant]}.items()}
        rows.append({"variant": variant, **fields, "parameters": parameters, "multiply_adds": adds, "n": n})
        own: Row = {name.replace("_", " "): _text(of[variant][name]) for of, name in columns}
        counts: Row = {"parameters": f"{parameters:,}", "multiply-adds": f"{adds:,}", "n": n}
        display.append({"variant": variant, **own, **counts})
    caption = (
        "The variants: where structure and recipe differ; trainable parameters; multiply-adds of one image's forward "
        "pass in convolutions and fully connected layers; n runs. The CSV holds every field."
    )
    return table("variants", caption, rows, display)


def _fields(config: "DataclassInstance") -> Fields:
    """Every field by name; of a configuration within, `augmentation_flip` and so on."""
    fields: Fields = {}
    for own in dataclasses.fields(config):
        value = getattr(config, own.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields |= {f"{own.name}_{name}": inner for name, inner in _fields(value).items()}
        else:
            fields[own.name] = value
    return fields


def _shared(fields: Mapping[str, Fields], config: type[ModelConfig] | type[RecipeConfig]) -> str:
    """What no variant differs in, without what is younger than the first runs and has its default."""
    apart, first = differing(fields), next(iter(fields.values()))
    default = _fields(config())
    young = tuple(own.name for own in dataclasses.fields(config) if "since" in own.metadata)
    told = [
        name for name in first if name not in apart and not (name.startswith(young) and first[name] == default[name])
    ]
    return ", ".join(f"{name.replace('_', ' ')} {_text(first[name])}" for name in told)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return " ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value) or "none"
    return str(value)
