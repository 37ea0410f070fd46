"""The claims of a study, their verdicts, and how each was tested."""

from collections.abc import Sequence

import pandas as pd

from alexnet_study.report.audit import published, verdicts
from alexnet_study.report.audit.entries import as_json
from alexnet_study.report.audit.verdicts import Verdict
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import INSIDE, Row, estimate_text, flat, interval_text, p_text
from alexnet_study.report.statistics.estimates import LEAST_RUNS, LEVEL, can_not_tell
from alexnet_study.report.statistics.resampling import EXACT, SAMPLED
from alexnet_study.report.statistics.resolving import Resolution
from alexnet_study.report.statistics.sign_flips import Test
from alexnet_study.study.study import Study

MARKS = {"supported": "supported", "contradicted": "contradicted", "not resolved": "not", "interim": "not"}  # page.css


def section(material: Material) -> Section | None:
    """Return the claims with their verdicts; None for a study that states none."""
    judged = material.verdicts
    if not judged:
        return None
    method = (
        f"The direction is supported or contradicted where the two-sided p, adjusted by Holm over the {len(judged)} "
        "tests of the study and for the look, is under 0.05 with or against the claimed sign. Else it is not resolved: "
        "beside it stand the interval at the level at which this claim is judged (over classes, at one class's share "
        "of it); the smallest true difference that n finds at that level with 80 % power, and its upper 95 % "
        "confidence limit, as the spread over seeds is itself an estimate; and the number of seeds that would find the "
        "observed effect. The size is judged apart: a published figure outside the prediction interval is said to be "
        "so. The unit is the run: n is a number of seeds. A claim of several parts has its number on each, and is "
        "supported where all of them are.",
        looks_text(material.collection.study),
    )
    copy = (
        "These runs saw a JPEG copy of the images; the published study saw the original pixels. Every verdict holds on "
        "the re-encoded copy."
    )
    text = () if material.collection.published_pixels else (copy,)
    again = (replication(judged),) if any(verdict.replication for verdict in judged) else ()
    items = (tabulate(judged), tests(judged), *again)
    return Section(name="claims", title="The claims", text=text, method=method, items=items)


def looks_text(study: Study) -> str:
    """Return when a study's claims are judged, and what each look spends."""
    looks = [f"{n} ({100 * share:g} %)" for n, share in study.looks.items()]
    return (
        f"Planned looks, by number of seeds, with the share of the error of 5 % that each spends: {', '.join(looks)}. "
        "At a look the adjusted p is Holm's over that share. A claim is judged when all its variants have finished the "
        "first seeds of a look, on these alone; before, its estimates are interim and have no verdict; after the last, "
        "the verdict stays and further seeds are a replication. Each look is recorded in looks.jsonl."
    )


def tabulate(judged: Sequence[Verdict]) -> Table:
    """Return a row for each claim, short enough to be quoted; the page says under each what its terms mean."""
    published_too = any(verdict.published is not None for verdict in judged)
    display = pd.DataFrame([_claim_row(verdict) for verdict in judged])
    notes = tuple(f"{verdict.claim.label}: {verdict.claim.definition}" for verdict in judged)
    caption = (
        "The claims: our estimate [95 % t interval] over n seeds, p adjusted by Holm over all tests of this table and "
        "for the look, and the verdict."
    )
    if published_too:
        caption += (
            " Beside a published figure: whether it lies in the 95 % prediction interval for one run of ours, its "
            "models evaluated intact; and lesioned, with the skip connection removed."
        )
    else:
        display = display.drop(columns="published")
    tidy = pd.DataFrame([flat(as_json(verdict)) for verdict in judged])
    marks = tuple(MARKS[verdict.outcome] for verdict in judged)
    return Table(name="claims", caption=caption, tidy=tidy, display=display, notes=notes, marks=marks)


def tests(judged: Sequence[Verdict]) -> Table:
    """Return how each claim was tested, and what the other analyses say."""
    rows = [
        {
            "claim": verdict.claim.label,
            "figure": _label(verdict),
            "test": verdicts.test_name(verdict),
            "p": _test_text(verdict.test, verdict.n),
            "adjusted p": p_text(verdict.adjusted_p),
            "judged at": f"{verdict.level:.2g}" if verdict.look.n_used else "–",
            "Hodges–Lehmann": _hodges_lehmann(verdict),
            "unpaired estimate": _unpaired(verdict),
            "sign-flip p": _test_text(verdict.flips, verdict.n),
            "n": verdict.n,
        }
        for verdict in judged
    ]
    caption = (
        "How each claim was tested over n seeds, the two-sided level at which it was judged, and the sensitivity "
        "checks, whose p are not adjusted: Hodges and Lehmann's estimate with its exact 95 % interval (of fewer than 6 "
        "seeds from the least value to the largest, with its level), which collapsed runs hardly move; the variants, "
        "or the two advantages of a difference of differences, taken as independent; sign flips of the seeds, all up "
        "to 12 seeds, else 4,096 of them. The least p that these allow says nothing of how far the truth is."
    )
    return table("tests", caption, rows, rows)


def replication(judged: Sequence[Verdict]) -> Table:
    """Return what the seeds beyond the last look say; they change no verdict."""
    rows = [{"claim": verdict.claim.label, **flat(as_json(verdict)["replication"] or {})} for verdict in judged]
    display = [
        {
            "claim": f"{verdict.claim.number}. {verdict.claim.statement}",
            "at the last look": figure_text(verdict),
            "fresh seeds": estimate_text(verdict.measure, verdict.replication, difference=verdict.difference),
            "n, fresh": verdict.replication.n if verdict.replication else 0,
        }
        for verdict in judged
    ]
    caption = "Replication: the claims' figures from n seeds beyond the last planned look. The verdicts don't use them."
    return table("replication", caption, rows, display)


def verdict_text(verdict: Verdict) -> str:
    """Return the verdict on direction and size and, where nothing was resolved, what these runs could have found."""
    outcome, text = verdict.outcome, verdict.verdict.removesuffix(", on a re-encoded copy")
    if outcome == "interim" or verdict.lacking:
        return text
    if outcome != "not resolved":
        return f"{text}{_margin(verdict)}"
    if verdict.powerless and verdict.test and verdict.n > 1:
        least = f"the least p is {p_text(verdict.test.least)}, judged at {verdict.level:.2g}"
        return f"{text}, whatever the difference: {least}"
    found = verdict.resolution
    return f"{text}: {resolution_text(verdict, found)}" if found else text


def resolution_text(verdict: Verdict, found: Resolution) -> str:
    """Return the interval at the verdict's level, what n resolves and how many seeds the observed effect needs."""
    own = verdict.measure
    unit = own.unit_of(difference=True)
    away = " off the margin" if verdict.claim.below is not None else ""
    interval = interval_text(own, found.interval, difference=verdict.difference)
    seeds = f"{found.seeds} seeds" if found.seeds else "over 100,000 seeds"
    return (
        f"{100 * (1 - found.level):.4g} % interval {interval}; resolves {own.show(found.difference)} (at most "
        f"{own.show(found.upper)}){' ' + unit if unit else ''}{away}; the observed effect needs {seeds}"
    )


def figure_text(verdict: Verdict) -> str:
    """Return an estimate with its unit: `+6.92 [+4.42, +9.42] points`; over classes, with the plain gain."""
    own, difference = verdict.measure, verdict.difference
    unit = own.unit_of(difference=difference) if verdict.estimate else ""
    text = f"{estimate_text(own, verdict.estimate, difference=difference)} {unit}".rstrip()
    if verdict.estimate and verdict.n < LEAST_RUNS:
        text += f" ({can_not_tell(verdict.n)})"
    if verdict.plain is None:
        ended = ", ".join(f"{variant} {count}" for variant, count in verdict.unreached.items())
        return f"{text}; never reached by {ended}: counted as the epoch after their last" if ended else text
    return f"{text} beyond the mean gain; the gain itself {estimate_text(own, verdict.plain.estimate, difference=True)}"


def _margin(verdict: Verdict) -> str:
    """Return, of a claim of absence, its margin and on which side of 0 the figure is."""
    if verdict.claim.below is None:
        return ""
    interval = verdict.estimate.interval() if verdict.estimate else None
    unit = verdict.measure.unit_of(difference=verdict.difference)
    if interval is None or 0 in interval:
        side = "its sign isn't resolved"
    else:
        side = "above 0" if interval.low > 0 else "below 0"
    scale = 100 if verdict.measure.proportion else 1
    margin = f"{scale * verdict.claim.below:g}".replace("-", "−")
    return f"; margin {margin}{' ' + unit if unit else ''}, {side}"


def _test_text(test: Test | None, n: int) -> str:
    if test is None:
        return "–"
    if not test.met:
        return p_text(test.p)
    least = f"n = {n} allows" if n <= EXACT else f"{SAMPLED + 1:,} flips give"
    return f"{p_text(test.p)} (the least that {least})"


def _hodges_lehmann(verdict: Verdict) -> str:
    found = verdict.hodges_lehmann
    if found is None:
        return "–"
    value = verdict.measure.show(found.value, difference=verdict.difference)
    if found.interval is None or found.attained is None:
        return value
    level = f" ({100 * found.attained:.4g} %)" if found.attained < LEVEL else ""
    return f"{value} {interval_text(verdict.measure, found.interval, difference=verdict.difference)}{level}"


def _unpaired(verdict: Verdict) -> str:
    contrast = verdict.contrast
    if contrast is None:
        return "–"
    text = estimate_text(verdict.measure, contrast.unpaired, difference=verdict.difference)
    if contrast.correlation is None:
        return text
    return f"{text} (the advantages correlate by {contrast.correlation:+.2f})".replace("-", "−")


def _claim_row(verdict: Verdict) -> Row:
    return {
        "claim": f"{verdict.claim.number}. {verdict.claim.statement}",
        "ours": figure_text(verdict),
        "n": verdict.n,
        "p": p_text(verdict.adjusted_p),
        "published": _beside(verdict),
        "verdict" if verdict.pixels else "verdict, on a re-encoded copy": verdict_text(verdict),
    }


def _beside(verdict: Verdict) -> str:
    """Return the published figure and where it lies: `+6.35: inside; lesioned: outside`."""
    if verdict.published is None:
        return "–"
    found = {name: INSIDE[verdict.inside(name)] for name in published.EVALUATIONS if verdict.inside(name) is not None}
    shown = verdict.measure.show(verdict.published, difference=verdict.difference)
    shown += " (the gain itself)" if verdict.plain else ""
    text = "; ".join(inside if name == "intact" else f"{name}: {inside}" for name, inside in found.items())
    return f"{shown}: {text}" if text else shown


def _label(verdict: Verdict) -> str:
    unit = verdict.measure.unit_of(difference=verdict.difference)
    beyond = " beyond the mean of the classes" if verdict.claim.over_classes else ""
    return f"{verdict.measure.label}{beyond}{', ' + unit if unit else ''}"
