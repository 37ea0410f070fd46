"""Which variants differ in their skips alone: the pairs whose differences are the skip's advantage by condition."""

import dataclasses
from collections.abc import Mapping
from typing import TypeAlias

from alexnet_study.report.collection import Collection
from alexnet_study.study.configs import ModelConfig, RecipeConfig

Kind: TypeAlias = tuple[ModelConfig, RecipeConfig]


def kinds(collection: Collection) -> dict[str, Kind]:
    """Return what each variant is but for its skips."""
    found = {variant: collection.of(variant)[0].identity for variant in collection.variants}
    return {name: (dataclasses.replace(own.model, skips=()), own.recipe) for name, own in found.items()}


def is_factorial(found: Mapping[str, Kind]) -> bool:
    """Return whether variants of several kinds come with different skips."""
    return 1 < len(set(found.values())) < len(found)


def pairs(collection: Collection) -> list[tuple[str, str]]:
    """Return (with a skip, without), of each kind of a factorial that has exactly one variant of either."""
    found = kinds(collection)
    if not is_factorial(found):
        return []
    made = []
    for kind in dict.fromkeys(found.values()):
        alike = [name for name, own in found.items() if own == kind]
        skipped = [name for name in alike if collection.of(name)[0].identity.model.skips]
        plain = [name for name in alike if name not in skipped]
        if len(skipped) == len(plain) == 1:
            made.append((skipped[0], plain[0]))
    return made
