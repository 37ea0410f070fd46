"""The answer of a study in three sentences, made from its numbers."""

from collections.abc import Sequence

from alexnet_study.report.audit.contrasts import compare
from alexnet_study.report.audit.published import EVALUATIONS, VectorCheck, tally
from alexnet_study.report.audit.verdicts import Verdict
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.sections.claims import figure_text, verdict_text
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import LEAST_RUNS, Estimate, can_not_tell
from alexnet_study.report.statistics.joint import runs_to_refuse
from alexnet_study.wording import count

OUTCOMES = ("supported", "contradicted", "supported in part", "not resolved", "mixed", "interim", "interim in part")
JUDGED = ("supported", "contradicted")
MANY_VARIANTS = 6  # more are not named one by one
NAMED = 3  # claims that a sentence names with their numbers
SIDES = {"intact": "with", "lesioned": "without"}


def answer(material: Material) -> list[str]:
    """Return three sentences: on the first claim, on all, on the published figures or else on what explains."""
    if not material.verdicts:
        return [_plain(material)]
    first, *others = material.verdicts
    sentences = [_sentence(first), _tally(material.verdicts)]
    if material.published_figures:
        sentences.append(_published(material))
    elif others:
        sentences.append(_others(others))
    return sentences


def overall(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return the outcome of each claim by number and name: that of its parts where they agree."""
    parts: dict[str, set[str]] = {}
    for verdict in verdicts:
        parts.setdefault(verdict.claim.title, set()).add(verdict.outcome)
    return {title: _of_parts(outcomes) for title, outcomes in parts.items()}


def _of_parts(outcomes: set[str]) -> str:
    if len(outcomes) == 1:
        return next(iter(outcomes))
    if "interim" in outcomes:
        return "interim in part"
    return "supported in part" if outcomes == {"supported", "not resolved"} else "mixed"


def _sentence(verdict: Verdict) -> str:
    copy = "" if verdict.pixels or verdict.outcome not in JUDGED else ", on a re-encoded copy"
    said = f"{verdict.claim.statement}: {verdict_text(verdict)}{copy}; {verdict.measure.label} {_estimate(verdict)}"
    return f"{said}{_compatible(verdict)}."


def _compatible(verdict: Verdict) -> str:
    """Return whether the published figure is compatible with one run's of ours; nothing where there is none."""
    interval = verdict.predicted.get("intact")
    if verdict.published is None or interval is None:
        return ""
    own, difference = verdict.measure, verdict.difference
    low, high = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    word = "is" if verdict.inside("intact") else "isn't"
    what = "one run's difference" if difference else "one run"
    shown = own.show(verdict.published, difference=difference)
    return f"; the published {shown} {word} compatible with it: our 95 % interval for {what} is {low} to {high}"


def _others(verdicts: Sequence[Verdict]) -> str:
    """Return the differences of differences, which say why; or else the first of the other claims."""
    named = ([verdict for verdict in verdicts if len(verdict.claim.variants) > 2] or list(verdicts))[:NAMED]
    parts = [
        f"{verdict.claim.statement}: {verdict.outcome}, {figure_text(verdict)} (n = {verdict.n})" for verdict in named
    ]
    return f"{'; '.join(parts)}."


def _estimate(verdict: Verdict) -> str:
    if verdict.lacking:
        return "was not recorded"
    if verdict.estimate is None:
        return "has no runs of all its variants yet"
    return with_interval(verdict.estimate, verdict.claim.metric, difference=verdict.difference)


def with_interval(estimate: Estimate, metric: str, *, difference: bool) -> str:
    """Return an estimate in words: `+6.21 points (95 % interval +5.60 to +6.80, n = 10 seeds)`."""
    own = measure(metric)
    unit = own.unit_of(difference=difference)
    text = f"{own.show(estimate.value, difference=difference)}{' ' + unit if unit else ''}"
    interval = own.interval(estimate, difference=difference)
    n = f"n = {count(estimate.n, 'seed')}"
    if interval is None:
        return f"{text} ({n}: {can_not_tell(estimate.n)})" if estimate.n < LEAST_RUNS else f"{text} ({n})"
    low, high = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"{text} (95 % interval {low} to {high}, {n})"


def _tally(verdicts: Sequence[Verdict]) -> str:
    found = overall(verdicts)
    groups = [
        f"{len(names)} {outcome} ({', '.join(names)})"
        for outcome in OUTCOMES
        if (names := [title for title, own in found.items() if own == outcome])
    ]
    sizes = sorted({verdict.n for verdict in verdicts})
    n = f"n = {sizes[0]}" if len(sizes) == 1 else f"n = {sizes[0]} to {sizes[-1]}"
    tests = f"{len(verdicts)} tests, Holm-adjusted, {n} {'seed' if sizes == [1] else 'seeds'}"
    return f"Of the study's {len(found)} claims: {'; '.join(groups)}; {tests}."


def _published(material: Material) -> str:
    """Return how published vectors lie to our runs with and without the skip; without such, how many figures fit."""
    lesion = [check for check in material.published_vectors if set(check.joint) == set(EVALUATIONS)]
    if lesion:
        return _beside_lesion(lesion[-1])  # the last is of all its figures together
    outside, judged, expected = tally(material.published_figures)
    if not judged:
        return "No published figure can be judged yet: that takes two runs of a variant."
    return (
        f"Of {judged} published figures (n = 1 each) {outside} lie outside our 95 % prediction interval for one run, "
        f"where chance would put about {expected:.1f}."
    )


def _beside_lesion(check: VectorCheck) -> str:
    """Return what one published vector says of the skip connection, with the ranks that say it."""
    fitting, joint = check.fitting, check.joint
    if len(fitting) == 2:
        found = "fit our runs both with and without their skip connection, and so don't discriminate"
    elif fitting:
        (other,) = set(joint) - set(fitting)
        refused = joint[other].standing == "refused"
        away = "are refused for those" if refused else "lie farther than every run from those"
        found = f"fit our runs evaluated {SIDES[fitting[0]]} their skip connection, and {away} {SIDES[other]}"
    else:
        farthest = all(own.standing == "farthest" for own in joint.values())
        away = "lie farther than every run from" if farthest else "don't fit"
        found = f"{away} our runs both with and without their skip connection"
    near, far = sorted(EVALUATIONS, key=lambda name: name != (fitting[0] if len(fitting) == 1 else check.likelier))
    n = joint[far].rank.n
    least = f", the least that n = {n} allows" if joint[far].rank.p == joint[far].rank.floor else f", n = {n}"
    floor = "" if joint[far].rank.can_refuse() else f"; to refuse at 5 % takes {runs_to_refuse()} runs"
    ranks = f"p = {joint[near].p_text} {SIDES[near]}, {joint[far].p_text} {SIDES[far]}{least}{floor}"
    return (
        f"The {check.size} published figures of {check.variant} ({', '.join(check.groups)}), jointly, {found}: {ranks}"
        f"{_densities(check, near, far)}."
    )


def _densities(check: VectorCheck, near: str, far: str) -> str:
    """Return the log predictive densities of a vector under both evaluations, a description."""
    own, other = check.joint[near].density, check.joint[far].density
    if own is None or other is None:
        return ""
    return f"; log predictive density {own.vector:.1f} against {other.vector:.1f}, a description".replace("-", "−")


def _plain(material: Material) -> str:
    """Return the answer of a study without claims: test top-1 of each variant, and the differences from the first.

    Of many variants, of the least and the most accurate one.
    """
    collection, metric = material.collection, "evaluations.intact.top1"
    values = {variant: collection.values.of(variant, metric) for variant in collection.variants}
    means = {variant: estimates.mean(list(own.values())) for variant, own in values.items()}
    named, text = list(values), "Test top-1: "
    if len(values) > MANY_VARIANTS:
        ordered = sorted(values, key=lambda variant: means[variant].value)
        named, text = [ordered[0], ordered[-1]], f"Test top-1, least and greatest of {len(values)} variants: "
    first, *others = named
    text += "; ".join(f"{name} {with_interval(means[name], metric, difference=False)}" for name in named)
    for other in others:
        found = compare({other: 1.0, first: -1.0}, values)
        if found:
            text += f"; {other} less {first} {with_interval(found.estimate, metric, difference=True)}"
    none = (
        "No claim of the study can be judged on these data" if collection.inapplicable else "The study states no claims"
    )
    return f"{text}. {none}."
