"""Which variants differ in their skips alone: pairs, whose differences are the skip's advantage by condition, or all
subsets of several skips.
"""

import dataclasses
import itertools
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


def subsets(collection: Collection) -> dict[frozenset[str], str]:
    """Return the variant of each subset of skips, where the study is a full factorial of at least two; else nothing.

    That is told by their structures and recipes, not by their names: these differ in skips alone, and every subset of
    all skips that occur is one variant's. By the number of skips, then in the order of the convolutions.
    """
    if len(set(kinds(collection).values())) != 1:
        return {}
    found: dict[frozenset[str], list[str]] = {}
    for variant in collection.variants:
        found.setdefault(frozenset(collection.of(variant)[0].identity.model.skips), []).append(variant)
    places = sorted(frozenset.union(*found))
    every = [frozenset(chosen) for n in range(len(places) + 1) for chosen in itertools.combinations(places, n)]
    whole = len(places) > 1 and all(len(found.get(subset, [])) == 1 for subset in every)
    return {subset: found[subset][0] for subset in every} if whole else {}
