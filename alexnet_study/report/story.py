"""The answer of a study in three sentences, made from its numbers."""

from collections.abc import Sequence

from alexnet_study.report import statistics
from alexnet_study.report.analysis import Analysis
from alexnet_study.report.audit_tables import verdict_text
from alexnet_study.report.measures import measure
from alexnet_study.report.published import EVALUATIONS, tally
from alexnet_study.report.statistics import Estimate
from alexnet_study.report.verdicts import Verdict, compare

OUTCOMES = ("supported", "contradicted", "not resolvable")


def answer(analysis: Analysis) -> list[str]:
    """Three sentences: the first claim, all claims, and the published figures or, without any, the other claims."""
    if not analysis.verdicts:
        return [_plain(analysis)]
    first, *others = analysis.verdicts
    sentences = [_sentence(first), _tally(analysis.verdicts)]
    if analysis.figures:
        sentences.append(_published(analysis))
    elif others:
        sentences.append("The other claims: " + "; ".join(_short(verdict) for verdict in others) + ".")
    return sentences


def overall(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The outcome of each claim by number, the first word of its parts' ids: theirs where they agree, else mixed."""
    parts: dict[str, set[str]] = {}
    for verdict in verdicts:
        parts.setdefault(verdict.claim.id.split()[0], set()).add(verdict.outcome)
    return {number: outcomes.pop() if len(outcomes) == 1 else "mixed" for number, outcomes in parts.items()}


def _sentence(verdict: Verdict) -> str:
    return f"{verdict.claim.statement}: {verdict_text(verdict)}; {verdict.measure.label} {_estimate(verdict)}."


def _short(verdict: Verdict) -> str:
    return f"{verdict.claim.statement} ({_estimate(verdict)}): {verdict.verdict}"


def _estimate(verdict: Verdict) -> str:
    if verdict.estimate is None:
        return "has no runs"
    return with_interval(verdict.estimate, verdict.claim.metric, difference=verdict.difference)


def with_interval(estimate: Estimate, metric: str, *, difference: bool) -> str:
    """`+6.21 points (95 % interval +5.60 to +6.80, n = 10 seeds)`"""
    own = measure(metric)
    unit = own.unit_of(difference=difference)
    text = f"{own.show(estimate.value, difference=difference)}{' ' + unit if unit else ''}"
    interval = estimate.interval()
    n = f"n = {estimate.n} {'seed' if estimate.n == 1 else 'seeds'}"
    if interval is None:
        return f"{text} ({n})"
    low, high = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"{text} (95 % interval {low} to {high}, {n})"


def _tally(verdicts: Sequence[Verdict]) -> str:
    found = overall(verdicts)
    groups = [
        f"{outcome}: {', '.join(names)}"
        for outcome in (*OUTCOMES, "mixed")
        if (names := [number for number, own in found.items() if own == outcome])
    ]
    tests = f"{len(found)} claims, {len(verdicts)} tests" if len(found) < len(verdicts) else f"{len(found)} claims"
    return f"Of the study's {tests}, by number and after Holm's correction: {'; '.join(groups)}."


def _published(analysis: Analysis) -> str:
    outside, judged, expected = tally(analysis.figures)
    text = (
        f"Of {judged} published figures (n = 1 each) {outside} lie outside our 95 % prediction interval for one run, "
        f"where chance would put about {expected:.1f}"
    )
    lesion = [check for check in analysis.vectors if set(check.fits) == set(EVALUATIONS)]
    parts = [f"{'all together' if '+' in check.group else check.group}: {check.conclusion}" for check in lesion]
    if not parts:
        return f"{text}."
    variants = ", ".join(dict.fromkeys(check.variant for check in lesion))
    return f"{text}; evaluated intact or without its skip, the published {variants} by vectors: {'; '.join(parts)}."


def _plain(analysis: Analysis) -> str:
    """The answer of a study that makes no claims: test top-1 of each variant and how it differs from the first."""
    collection, metric = analysis.collection, "evaluations.intact.top1"
    first, *others = collection.variants
    values = {variant: collection.figures(variant, metric) for variant in collection.variants}
    means = [
        f"{variant} {with_interval(statistics.mean(list(own.values())), metric, difference=False)}"
        for variant, own in values.items()
    ]
    text = f"Test top-1: {'; '.join(means)}"
    for other in others:
        found = compare(collection, {other: 1.0, first: -1.0}, values)
        if found:
            text += f"; {other} less {first} {with_interval(found[0], metric, difference=True)}"
    return f"{text}. The study states no claims."
