"""Weighted sums of variants' means over runs: of one variant, of a pair, of a difference of differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from alexnet_study.report.collection import Collection
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Array, Estimate
from alexnet_study.report.statistics.interactions import Interaction, interaction
from alexnet_study.study.metrics import ClassMetric

Values: TypeAlias = Mapping[str, Mapping[int, float]]  # by variant and seed
RECALLS = "evaluations.intact.recall"


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A weighted sum of variants' means, and what else is said of it.

    estimate: over `by_seed`, the sums of the seeds that all its variants have; unpaired where there is no such seed.
    paired: whether seeds were paired. unpaired: the variants, or two advantages, taken as independent; a sensitivity
    check. correlation: of the two advantages that a difference of differences consists of; else None.
    """

    estimate: Estimate
    by_seed: Mapping[int, float]
    paired: bool
    unpaired: Estimate
    correlation: float | None = None

    @property
    def values(self) -> list[float]:
        """Return the seeds' sums."""
        return list(self.by_seed.values())


def compare(weights: Mapping[str, float], values: Values) -> Contrast | None:
    """Return the weighted sum of variants' means, paired by seed; None where a variant has no value.

    Runs of one seed share the order of the data, the masks and, where shapes agree, the weights. Of every variant only
    the seeds that all of them have are used, so that an estimate and its intervals are of the same runs.
    """
    if any(not values.get(variant) for variant in weights):
        return None
    sums = by_seed(weights, values)
    if not sums:
        alone = _unpaired(weights, values)
        return Contrast(estimate=alone, by_seed={}, paired=False, unpaired=alone)
    common = {variant: {seed: values[variant][seed] for seed in sums} for variant in weights}
    advantages = _advantages(weights, common)
    return Contrast(
        estimate=estimates.mean(list(sums.values())),
        by_seed=sums,
        paired=len(weights) > 1,
        unpaired=advantages.unpaired if advantages else _unpaired(weights, common),
        correlation=advantages.correlation if advantages else None,
    )


def by_seed(weights: Mapping[str, float], values: Values) -> dict[int, float]:
    """Return the weighted sum of each seed that all variants have."""
    common = sorted(set.intersection(*(set(values[variant]) for variant in weights)))
    return {seed: sum(weight * values[variant][seed] for variant, weight in weights.items()) for seed in common}


def class_differences(collection: Collection, weights: Mapping[str, float], parent: str = RECALLS) -> Array:
    """Return weighted sums of a per-class figure, (seeds, classes), of the seeds that all variants have.

    weights: of variants, or of variants in an evaluation, as a claim names them.
    """
    columns = []
    for name in collection.classes:
        values = {group: collection.values.of_group(group, f"{parent}.{name}") for group in weights}
        columns.append(by_seed(weights, values))
    common = sorted(set.intersection(*map(set, columns)))
    return np.array([[column[seed] for column in columns] for seed in common]).reshape(len(common), len(columns))


def beyond_mean(collection: Collection, group: str, own: ClassMetric) -> dict[int, float]:
    """Return a class's figure less the mean over all classes, of each run of a claim's group that has all of them."""
    columns = {name: collection.values.of_group(group, f"{own.parent}.{name}") for name in collection.classes}
    common = sorted(set.intersection(*map(set, columns.values())))
    means = {seed: float(np.mean([column[seed] for column in columns.values()])) for seed in common}
    return {seed: columns[own.name][seed] - mean for seed, mean in means.items()}


def _unpaired(weights: Mapping[str, float], values: Values) -> Estimate:
    """Return the weighted sum of variants' means, each variant a block of its own."""
    return estimates.contrast([[w * x for x in values[variant].values()] for variant, w in weights.items()])


def _advantages(weights: Mapping[str, float], values: Values) -> Interaction | None:
    """Return the two advantages of a difference of differences: of the first two variants, less that of the others.

    None where the weights aren't such: four, of which the first two sum to 0 and so do the others.
    """
    first, second = dict(list(weights.items())[:2]), dict(list(weights.items())[2:])
    if len(weights) != 4 or any(abs(sum(own.values())) > 1e-9 for own in (first, second)):
        return None
    return interaction(list(by_seed(first, values).values()), [-value for value in by_seed(second, values).values()])
