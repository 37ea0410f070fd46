"""Each claim of a study judged from the runs: estimate, interval, adjusted p, verdict.

The rule: supported, or contradicted, where the p adjusted by Holm over all claims of the study is under 0.05 with, or
against, the claimed sign; else not resolvable at this n, with the smallest difference that n would resolve.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alexnet_study.files import digest
from alexnet_study.report.audit.prediction import predict
from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import Measure, measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Estimate, Interval
from alexnet_study.report.statistics.resampling import max_t, sign_flip_p
from alexnet_study.study.claims import Claim

ALPHA = 0.05
SAME_START = ("widths", "head", "hidden", "initialisation"), ("batch_size",)  # of the model, of the recipe

Values = Mapping[str, Mapping[int, float]]  # by variant and seed


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A claim and what the runs say of it.

    paired: whether seeds were paired. p: before Holm's adjustment; by joint sign flips for a claim over classes.
    unpaired: the other interval. flip_p: exact sign-flip p of the seeds' differences, None where they share no seeds.
    published: the published figures, combined as the claim combines variants. predicted: where such a figure of one
    further run of each variant would lie, for the intact and the lesioned evaluation. lacking: the variants whose runs
    don't record the metric. classes: over how many p was
    adjusted jointly; 0 for a claim that is not over classes.
    """

    claim: Claim
    measure: Measure
    estimate: Estimate | None
    paired: bool
    p: float | None
    unpaired: Estimate | None
    flip_p: float | None
    published: float | None
    predicted: Mapping[str, Interval | None]
    adjusted_p: float | None = None
    pixels: bool = True
    classes: int = 0
    lacking: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Return how many seeds the smallest group has."""
        return self.estimate.n if self.estimate else 0

    @property
    def outcome(self) -> str:
        """Return supported, contradicted, or not resolvable."""
        if self.estimate is None or self.adjusted_p is None or self.adjusted_p >= ALPHA:
            return "not resolvable"
        return "supported" if (self.estimate.value - self.claim.null) * self.claim.sign > 0 else "contradicted"

    @property
    def verdict(self) -> str:
        """Return the outcome, with what a reader must know of it."""
        if self.lacking:
            return f"not resolvable: the runs of {', '.join(self.lacking)} don't have this figure"
        if self.outcome == "not resolvable":
            return f"not resolvable at n = {self.n}"
        return self.outcome if self.pixels else f"{self.outcome}, on a re-encoded copy"

    @property
    def smallest(self) -> float | None:
        """Return the smallest true difference that one test of this n finds with 80 % power at the 5 % level, if any.

        For a claim over classes the level is a class's share of 5 %, and joint sign flips of few seeds find nothing.
        """
        if self.estimate is None:
            return None
        if not self.classes:
            return self.estimate.resolvable()
        if 2 / 2**self.n >= ALPHA:
            return None
        return self.estimate.resolvable(level=1 - ALPHA / self.classes)

    @property
    def difference(self) -> bool:
        """Return whether the figure is a difference of variants, not one variant's own."""
        return len(self.claim.variants) > 1

    def inside(self, evaluation: str) -> bool | None:
        """Return whether the published figure lies in the prediction interval; None where one of the two is missing."""
        interval = self.predicted[evaluation]
        return None if interval is None or self.published is None else self.published in interval


def judge(collection: Collection) -> list[Verdict]:
    """Return a verdict for every claim of the study, in its order."""
    raw = [_judge(collection, claim) for claim in collection.study.claims]
    adjusted = estimates.holm([verdict.p for verdict in raw])
    return [dataclasses.replace(verdict, adjusted_p=p) for verdict, p in zip(raw, adjusted, strict=True)]


def compare(collection: Collection, weights: Mapping[str, float], values: Values) -> tuple[Estimate, bool] | None:
    """Return the weighted sum of variants' means, and whether seeds were paired; None where a variant has no value.

    Variants that share initial weights and data order are paired by seed, in one block; blocks are independent.
    """
    if any(not values.get(variant) for variant in weights):
        return None
    blocks: dict[str, list[str]] = {}
    for variant in weights:
        blocks.setdefault(_start(collection, variant), []).append(variant)
    paired = max(map(len, blocks.values())) > 1
    sums = [list(_by_seed({v: weights[v] for v in block}, values).values()) for block in blocks.values()]
    if any(not block for block in sums):  # no seed in common
        return unpaired(weights, values), False
    return estimates.contrast(sums), paired


def unpaired(weights: Mapping[str, float], values: Values) -> Estimate:
    """Return the weighted sum of variants' means, each variant a block of its own."""
    return estimates.contrast([[w * x for x in values[variant].values()] for variant, w in weights.items()])


def _judge(collection: Collection, claim: Claim) -> Verdict:
    values = _values(collection, claim, "intact")
    found = compare(collection, claim.variants, values)
    estimate, paired = found if found else (None, False)
    seeds = list(_by_seed(claim.variants, values).values()) if found else []
    flips = sign_flip_p([value - claim.null for value in seeds]) if len(seeds) > 1 else None
    p = estimate.p_value(claim.null) if estimate else None
    return Verdict(
        claim=claim,
        measure=measure(claim.metric),
        estimate=estimate,
        paired=paired,
        p=_joint_p(collection, claim) if claim.over_classes and estimate else p,
        unpaired=unpaired(claim.variants, values) if found else None,
        flip_p=flips,
        published=_published(collection, claim),
        predicted={name: _predicted(collection, claim, name) for name in ("intact", "lesioned")},
        pixels=collection.published_pixels,
        classes=len(collection.classes) if claim.over_classes else 0,
        lacking=tuple(collection.lacking(claim.variants, claim.metric)),
    )


def _values(collection: Collection, claim: Claim, evaluation: str) -> dict[str, dict[int, float]]:
    present = [variant for variant in claim.variants if variant in collection.variants]
    return {variant: collection.values.of(variant, claim.metric, evaluation) for variant in present}


def _by_seed(weights: Mapping[str, float], values: Values) -> dict[int, float]:
    """Return the weighted sum of each seed that all variants have."""
    common = sorted(set.intersection(*(set(values[variant]) for variant in weights)))
    return {seed: sum(weight * values[variant][seed] for variant, weight in weights.items()) for seed in common}


def _start(collection: Collection, variant: str) -> str:
    """Return a digest of what runs of one seed must share to begin with the same weights and order of the data.

    Not the number of epochs: an epoch's order comes from the seed and the epoch, so that a longer run begins as the
    shorter one.
    """
    identity = collection.of(variant)[0].identity
    model, recipe = SAME_START
    return digest([[getattr(identity.model, key) for key in model], [getattr(identity.recipe, key) for key in recipe]])


def class_differences(collection: Collection, weights: Mapping[str, float], parent: str) -> np.ndarray[Any, Any]:
    """Return weighted sums of a per-class figure, (seeds, classes), of the seeds that all variants have."""
    columns = []
    for name in collection.classes:
        values = {variant: collection.values.of(variant, f"{parent}.{name}") for variant in weights}
        columns.append(_by_seed(weights, values))
    common = sorted(set.intersection(*map(set, columns)))
    return np.array([[column[seed] for column in columns] for seed in common]).reshape(len(common), len(columns))


def _joint_p(collection: Collection, claim: Claim) -> float | None:
    parent, _, name = claim.metric.rpartition(".")
    differences = class_differences(collection, claim.variants, parent)
    if len(differences) < 2:
        return None
    return float(max_t(differences)[collection.classes.index(name)])


def _published(collection: Collection, claim: Claim) -> float | None:
    published = collection.study.published
    if published is None:
        return None
    figures = [published.of(claim.metric, variant) for variant in claim.variants]
    known = [figure for figure in figures if figure is not None]
    return (
        sum(w * x for w, x in zip(claim.variants.values(), known, strict=True)) if len(known) == len(figures) else None
    )


def _predicted(collection: Collection, claim: Claim, evaluation: str) -> Interval | None:
    """Return the interval for one further run of each variant, independent, since published runs share no seed.

    A variant without that evaluation stands in it with its intact one; None where no variant has it.
    """
    values = _values(collection, claim, evaluation)
    if set(values) != set(claim.variants) or not any(values.values()):
        return None
    intact = _values(collection, claim, "intact")
    samples: list[tuple[float, Sequence[float]]] = [
        (weight, list((values[variant] or intact[variant]).values())) for variant, weight in claim.variants.items()
    ]
    if any(not sample for _, sample in samples):
        return None
    return predict(collection, claim.metric, samples)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return a claim's entry of report.json."""
    claim, estimate = verdict.claim, verdict.estimate
    interval = estimate.interval() if estimate else None
    other = verdict.unpaired.interval() if verdict.unpaired else None
    return {
        "id": claim.id,
        "statement": claim.statement,
        "definition": claim.definition,
        "metric": claim.metric,
        "variants": dict(claim.variants),
        "claimed": f"below {claim.below}" if claim.below is not None else f"{claim.direction} than 0",
        "estimate": estimate.value if estimate else None,
        "interval": estimates.as_json(interval),
        "n": verdict.n,
        "test": test_name(verdict),
        "p": verdict.p,
        "adjusted_p": verdict.adjusted_p,
        "smallest_resolvable": verdict.smallest,
        "sensitivity": {"unpaired_interval": estimates.as_json(other), "sign_flip_p": verdict.flip_p},
        "published": verdict.published,
        "prediction_interval": {name: estimates.as_json(value) for name, value in verdict.predicted.items()},
        "inside_prediction_interval": {name: verdict.inside(name) for name in verdict.predicted},
        "verdict": verdict.verdict,
    }


def test_name(verdict: Verdict) -> str:
    """Return the primary test in words."""
    if verdict.claim.over_classes:
        return "joint sign-flip max-T over classes"
    if not verdict.difference:
        return "one-sample t"
    if not verdict.paired:
        return "Welch's t"
    one_block = verdict.estimate is None or verdict.estimate.df in (None, verdict.n - 1)
    return "seed-paired t" if one_block else "Welch's t of seed-paired differences"
