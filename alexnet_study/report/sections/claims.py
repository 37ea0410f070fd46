"""The claims of a study, their verdicts, and how each was tested."""

from collections.abc import Sequence

import pandas as pd

from alexnet_study.report.audit import published, verdicts
from alexnet_study.report.audit.verdicts import Verdict
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import INSIDE, Row, ends, estimate_text, p_text, prediction_columns

MARKS = {"supported": "supported", "contradicted": "contradicted", "not resolvable": "not"}  # classes of page.css


def section(material: Material) -> Section | None:
    """Return the claims with their verdicts; None for a study that states none."""
    if not material.verdicts:
        return None
    text = [
        "Supported or contradicted: the two-sided p, adjusted by Holm over all tests of the study, is under 0.05 "
        "with or against the claimed sign. Else it is not resolvable at this n; the difference beside it is the "
        "smallest that a single test of this n finds with 80 % power at the 5 % level. The unit is the run: n is a "
        "number of seeds. A claim of several parts has its number on each, and stands where all of them do."
    ]
    if not material.collection.published_pixels:
        text.append(
            "These runs saw a JPEG copy of the images; the published study saw the original pixels. Every verdict "
            "holds on the re-encoded copy."
        )
    items = (tabulate(material.verdicts), tests(material.verdicts))
    return Section(name="claims", title="The claims", text=tuple(text), items=items)


def tabulate(judged: Sequence[Verdict]) -> Table:
    """Return a row for each claim, short enough to be quoted; the page says under each what its terms mean."""
    published_too = any(verdict.published is not None for verdict in judged)
    display = pd.DataFrame([_claim_row(verdict) for verdict in judged])
    notes = tuple(f"{verdict.claim.id}: {verdict.claim.definition}" for verdict in judged)
    caption = (
        "The claims: our estimate [95 % t interval] over n seeds, p adjusted by Holm over all tests of this table, and "
        "the verdict."
    )
    if published_too:
        caption += (
            " Beside a published figure: whether it lies in the 95 % prediction interval for one run of ours, its "
            "models evaluated intact; and lesioned, with the skip connection removed."
        )
    else:
        display = display.drop(columns="published")
    tidy = pd.DataFrame([_flat(verdict) for verdict in judged])
    marks = tuple(MARKS[verdict.outcome] for verdict in judged)
    return Table(name="claims", caption=caption, tidy=tidy, display=display, notes=notes, marks=marks)


def tests(judged: Sequence[Verdict]) -> Table:
    """Return how each claim was tested, and what the other analyses say."""
    rows = [
        {
            "claim": verdict.claim.id,
            "figure": _label(verdict),
            "test": verdicts.test_name(verdict),
            "p": p_text(verdict.p),
            "adjusted p": p_text(verdict.adjusted_p),
            "unpaired estimate": estimate_text(verdict.measure, verdict.unpaired, difference=verdict.difference),
            "exact sign-flip p": p_text(verdict.flip_p),
            "n": verdict.n,
        }
        for verdict in judged
    ]
    caption = "How each claim was tested over n seeds, and the two sensitivity checks; their p are not adjusted."
    return table("tests", caption, rows, rows)


def verdict_text(verdict: Verdict) -> str:
    """Return the outcome and, where nothing was resolved, n and what it would resolve."""
    if verdict.outcome != "not resolvable":
        return verdict.outcome
    if verdict.smallest is None:
        return f"{verdict.verdict}, whatever the difference" if verdict.classes and verdict.n > 1 else verdict.verdict
    unit = verdict.measure.unit_of(difference=True)
    away = " off the margin" if verdict.claim.below is not None else ""
    return f"{verdict.verdict}; resolves {verdict.measure.show(verdict.smallest)}{' ' + unit if unit else ''}{away}"


def figure_text(verdict: Verdict) -> str:
    """Return an estimate with its unit: `+6.92 [+4.42, +9.42] points`."""
    unit = verdict.measure.unit_of(difference=verdict.difference) if verdict.estimate else ""
    return f"{estimate_text(verdict.measure, verdict.estimate, difference=verdict.difference)} {unit}".rstrip()


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
    text = "; ".join(inside if name == "intact" else f"{name}: {inside}" for name, inside in found.items())
    return f"{shown}: {text}" if text else shown


def _label(verdict: Verdict) -> str:
    unit = verdict.measure.unit_of(difference=verdict.difference)
    return f"{verdict.measure.label}{', ' + unit if unit else ''}"


def _flat(verdict: Verdict) -> Row:
    """Return the claim's entry of report.json in columns."""
    entry = verdicts.as_json(verdict)
    sensitivity, predicted = entry.pop("sensitivity"), entry.pop("prediction_interval")
    inside, outcome = entry.pop("inside_prediction_interval"), entry.pop("verdict")
    published_figure, interval = entry.pop("published"), entry.pop("interval")
    after = {key: entry.pop(key) for key in ("n", "test", "p", "adjusted_p", "smallest_resolvable")}
    flat = {**entry, **ends("interval", interval), **after}
    flat["variants"] = " ".join(f"{weight:+g}·{variant}" for variant, weight in verdict.claim.variants.items())
    flat |= ends("sensitivity_unpaired_interval", sensitivity["unpaired_interval"])
    flat |= {"sensitivity_sign_flip_p": sensitivity["sign_flip_p"], "published": published_figure}
    return {**flat, **prediction_columns(predicted, inside), "verdict": outcome}
