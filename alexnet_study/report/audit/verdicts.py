"""Each claim of a study judged from the runs: estimate, interval, adjusted p, verdict.

The rule for the direction: supported, or contradicted, where the p, adjusted by Holm over all claims of the study and
for the look at which it is judged, is under 0.05 with, or against, the claimed sign; else not resolved. The size is
judged apart: whether the published figure lies where one run of ours would. A claim is judged at the planned looks that
its variants' seeds have reached, on the first seeds in the study's order; before the first look there is no verdict.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alexnet_study.report.audit.contrasts import Contrast, beyond_mean, class_differences, compare
from alexnet_study.report.audit.prediction import predict
from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import Measure, measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.classes import class_advantages
from alexnet_study.report.statistics.estimates import Estimate, Interval
from alexnet_study.report.statistics.hodges_lehmann import HodgesLehmann, hodges_lehmann
from alexnet_study.report.statistics.looks import ALPHA, Look, State, adjusted_for_look, look_in_force
from alexnet_study.report.statistics.resolving import Resolution, resolution, verdict_levels
from alexnet_study.report.statistics.sign_flips import Method, Test, claim_test, sign_flip_test
from alexnet_study.study.claims import Claim
from alexnet_study.study.metrics import class_metric, parse_group


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A claim and what the runs say of it.

    contrast: the figure that is tested; None where a variant has no value. plain: of a claim over classes, the class's
    gain itself, of which the tested figure is what exceeds the mean gain. test: before all adjustment but that over
    classes. flips: exact sign flips of the seeds, a sensitivity check. published: the published figures, combined as
    the claim combines variants, predicted: where such a figure of one further run of each variant would lie, by
    evaluation; of a claim over classes both are of the plain gain. lacking: the variants whose runs don't record the
    metric. unreached: of a censored metric, how many of each variant's runs never reached it, and so count as the epoch
    after their last. level: two-sided, at which the claim is judged. replication: of the seeds that a last look doesn't
    use.
    """

    claim: Claim
    measure: Measure
    look: Look
    contrast: Contrast | None
    plain: Contrast | None
    test: Test | None
    flips: Test | None
    published: float | None
    predicted: Mapping[str, Interval | None]
    pixels: bool = True
    classes: int = 0
    lacking: tuple[str, ...] = ()
    unreached: Mapping[str, int] = field(default_factory=dict)
    adjusted_p: float | None = None
    level: float = ALPHA
    replication: Estimate | None = None

    @property
    def estimate(self) -> Estimate | None:
        """Return the estimate of the tested figure."""
        return self.contrast.estimate if self.contrast else None

    @property
    def n(self) -> int:
        """Return how many seeds the smallest group has."""
        return self.estimate.n if self.estimate else 0

    @property
    def p(self) -> float | None:
        """Return p before Holm's adjustment; None where there is no test."""
        return self.test.p if self.test else None

    @property
    def outcome(self) -> str:
        """Return supported, contradicted, not resolved, or interim."""
        if self.look.state is State.INTERIM:
            return "interim"
        if self.estimate is None or self.adjusted_p is None or self.adjusted_p >= ALPHA:
            return "not resolved"
        return "supported" if (self.estimate.value - self.claim.null) * self.claim.sign > 0 else "contradicted"

    @property
    def verdict(self) -> str:
        """Return the outcome, with what a reader must know of it: a size that isn't as published, and the data."""
        if self.lacking:
            return f"not resolved: the runs of {', '.join(self.lacking)} don't have this figure"
        if self.outcome in ("interim", "not resolved"):
            return f"{self.outcome} at n = {self.n}"
        only = self.outcome == "supported" and self.inside("intact") is False
        text = "supported in direction; the published size is not" if only else self.outcome
        return text if self.pixels else f"{text}, on a re-encoded copy"

    @property
    def resolution(self) -> Resolution | None:
        """Return what these runs resolve at the level of the verdict; None where they have no spread, or can't.

        For a claim over classes the level is a class's share of it, and joint sign flips of few seeds find nothing.
        """
        if self.estimate is None or self.powerless:
            return None
        return resolution(self.estimate, self.level / max(self.classes, 1), self.claim.null)

    @property
    def powerless(self) -> bool:
        """Return whether the least p that sign flips of these seeds allow isn't under the level of the verdict."""
        return self.test is not None and self.test.least is not None and self.test.least >= self.level

    @property
    def hodges_lehmann(self) -> HodgesLehmann | None:
        """Return Hodges and Lehmann's estimate of the seeds' sums, which a few collapsed runs hardly move."""
        return hodges_lehmann(self.contrast.values) if self.contrast and self.contrast.by_seed else None

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
    claims = collection.study.claims
    looks = [claim_look(collection, claim) for claim in claims]
    found = {n: judge_look(collection, n, looks) for n in sorted({look.n_used for look in looks} - {0})}
    verdicts = []
    for index, (claim, look) in enumerate(zip(claims, looks, strict=True)):
        verdict = found[look.n_used][index] if look.n_used else _judge(collection, claim, look)
        assert verdict is not None  # the look's own claims are among those that it judges
        fresh = _fresh(collection, claim, look) if look.state is State.REPLICATION else None
        verdicts.append(dataclasses.replace(verdict, look=look, replication=fresh))
    return verdicts


def judge_look(collection: Collection, n: int, looks: Sequence[Look]) -> list[Verdict | None]:
    """Return what the look at `n` seeds says of each claim, None of those whose seeds haven't reached it.

    looks: of each claim, the one in force. A claim that isn't judged yet counts in Holm's family as one without a test:
    what is rejected meanwhile is among what the whole family will reject, so that no error is added.
    """
    share = collection.study.looks[n]
    first = collection.of_seeds(seed_order(collection)[:n])
    raw = [
        _judge(first, claim, look) if look.n_used >= n else None
        for claim, look in zip(collection.study.claims, looks, strict=True)
    ]
    p_values = [verdict.p if verdict else None for verdict in raw]
    adjusted = adjusted_for_look(estimates.holm(p_values), share)
    levels = verdict_levels(p_values, share)
    return [
        dataclasses.replace(verdict, adjusted_p=p, level=level) if verdict else None
        for verdict, p, level in zip(raw, adjusted, levels, strict=True)
    ]


def seed_order(collection: Collection) -> list[int]:
    """Return all seeds: the study's in its order, then those that were run beyond."""
    planned = collection.study.seeds
    return [*planned, *sorted({run.seed for run in collection.runs} - set(planned))]


def claim_look(collection: Collection, claim: Claim) -> Look:
    """Return the last look that a claim has reached: all its variants have finished that many first seeds."""
    finished = set.intersection(*({run.seed for run in collection.of(variant)} for variant in claim.own_variants))
    count = 0
    for seed in seed_order(collection):
        if seed not in finished:
            break
        count += 1
    return look_in_force(collection.study.looks, count)


def _fresh(collection: Collection, claim: Claim, look: Look) -> Estimate | None:
    fresh = collection.of_seeds(seed_order(collection)[look.n_used :])
    contrast = compare(claim.variants, claim_values(fresh, claim))
    return contrast.estimate if contrast else None


def _judge(collection: Collection, claim: Claim, look: Look) -> Verdict:
    contrast = compare(claim.variants, claim_values(collection, claim))
    away = [value - claim.null for value in contrast.values] if contrast else []
    plain = compare(claim.variants, plain_values(collection, claim)) if claim.over_classes else None
    return Verdict(
        claim=claim,
        measure=measure(claim.metric),
        look=look,
        contrast=contrast,
        plain=plain,
        test=_test(collection, claim, contrast),
        flips=sign_flip_test(away) if len(away) > 1 else None,
        published=_published(collection, claim),
        predicted={name: _predicted(collection, claim, name) for name in ("intact", "lesioned")},
        pixels=collection.published_pixels,
        classes=len(collection.classes) if claim.over_classes else 0,
        lacking=tuple(collection.lacking(claim.variants, claim.metric)),
        unreached=_unreached(collection, claim),
    )


def _test(collection: Collection, claim: Claim, contrast: Contrast | None) -> Test | None:
    if contrast is None:
        return None
    if not claim.over_classes:
        return claim_test(contrast.estimate, contrast.values, claim.null)
    own = class_metric(claim.metric)
    assert own is not None  # a claim over classes has a class's metric
    found = class_advantages(class_differences(collection, claim.variants, own.parent))
    if found is None:
        return None
    return Test(method=Method.SIGN_FLIPS, p=found.p[collection.classes.index(own.name)], least=found.least)


def claim_values(collection: Collection, claim: Claim) -> dict[str, dict[int, float]]:
    """Return the tested figure of each run: of a claim over classes, what exceeds the mean over all of them."""
    own = class_metric(claim.metric)
    if not claim.over_classes or own is None:
        return plain_values(collection, claim)
    return {group: beyond_mean(collection, group, own) for group in _present(collection, claim)}


def plain_values(collection: Collection, claim: Claim) -> dict[str, dict[int, float]]:
    """Return the claim's metric of each run, by seed and by variant as the claim names it, with its evaluation."""
    return {group: collection.at_least(group, claim.metric) for group in _present(collection, claim)}


def _present(collection: Collection, claim: Claim) -> list[str]:
    return [group for group in claim.variants if parse_group(group).variant in collection.variants]


def _unreached(collection: Collection, claim: Claim) -> dict[str, int]:
    found = {group: len(collection.unreached(group, claim.metric)) for group in _present(collection, claim)}
    return {group: ended for group, ended in found.items() if ended}


def _published(collection: Collection, claim: Claim) -> float | None:
    published = collection.study.published
    if published is None or claim.names_evaluations:  # a published figure doesn't tell in which it was taken
        return None
    figures = [published.of(claim.metric, variant) for variant in claim.variants]
    known = [figure for figure in figures if figure is not None]
    return (
        sum(w * x for w, x in zip(claim.variants.values(), known, strict=True)) if len(known) == len(figures) else None
    )


def _predicted(collection: Collection, claim: Claim, evaluation: str) -> Interval | None:
    """Return the interval for one further run of each variant, independent, since published runs share no seed.

    A variant without that evaluation stands in it with its intact one; None where no variant has it. A claim that says
    in which evaluation it means its variants has one interval alone, as `intact`.
    """
    intact = plain_values(collection, claim)
    if claim.names_evaluations:
        values = intact if evaluation == "intact" else {}
    else:
        values = {variant: collection.values.of(variant, claim.metric, evaluation) for variant in intact}
    if set(values) != set(claim.variants) or not any(values.values()):
        return None
    samples: list[tuple[float, Sequence[float]]] = [
        (weight, list((values[variant] or intact[variant]).values())) for variant, weight in claim.variants.items()
    ]
    if any(not sample for _, sample in samples):
        return None
    return predict(collection, claim.metric, samples)


def test_name(verdict: Verdict) -> str:
    """Return the primary test in words."""
    if verdict.claim.over_classes:
        return "joint sign-flip max-T over classes, less the mean gain"
    if verdict.test is not None and verdict.test.method is Method.SIGN_FLIPS:
        return "sign flips, for want of spread"
    if not verdict.difference:
        return "one-sample t"
    return "seed-paired t" if verdict.contrast is None or verdict.contrast.paired else "Welch's t"
