"""The tables of the audit: claims with their verdicts, published figures, published vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from alexnet_study.report import published, verdicts
from alexnet_study.report.measures import Measure
from alexnet_study.report.published import FigureCheck, VectorCheck, figure_json, tally, vector_json
from alexnet_study.report.statistics.estimates import Interval
from alexnet_study.report.tables import Table, estimate_text, p_text, table
from alexnet_study.report.verdicts import Verdict
from alexnet_study.study.claims import CodeFinding

INSIDE = {True: "inside", False: "outside", None: "–"}


def claims(judged: Sequence[Verdict]) -> Table:
    """A row a claim, short enough to be quoted; the page says under each what its terms mean."""
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
    return Table(name="claims", caption=caption, tidy=tidy, display=display, notes=notes)


def tests(judged: Sequence[Verdict]) -> Table:
    """How each claim was tested, and what the other analyses say."""
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


def code(findings: Sequence[CodeFinding]) -> Table:
    """A row a place in the published code."""
    rows = [{"file": found.file, "lines": found.lines, "what it does": found.finding} for found in findings]
    return table("published_code", "The published code, where the skip connection is made and lost.", rows, rows)


def figures(checks: Sequence[FigureCheck]) -> Table:
    """A row a published figure."""
    display = [
        {
            "variant": check.variant,
            "figure": check.measure.label + (f", {check.measure.unit_of()}" if check.measure.unit_of() else ""),
            "program": check.program,
            "published": check.measure.show(check.published),
            **{
                name: f"{interval_text(check.measure, interval)} {INSIDE[check.inside(name)]}" if interval else "–"
                for name, interval in ((name, check.predicted.get(name)) for name in published.EVALUATIONS)
            },
            "n": check.n,
        }
        for check in checks
    ]
    caption = (
        "Published figures beside the 95 % prediction interval for one run of ours, from n seeds, intact and lesioned."
    )
    return table("published_figures", caption, map(_flat_figure, checks), display)


def programs(checks: Sequence[FigureCheck]) -> Table:
    """How many published figures of each program and variant lie outside, intact and lesioned."""
    rows: list[dict[str, Any]] = []
    display = []
    for program, variant in dict.fromkeys((check.program, check.variant) for check in checks):
        own = [check for check in checks if (check.program, check.variant) == (program, variant)]
        cells: dict[str, Any] = {"program": program, "variant": variant}
        for name in published.EVALUATIONS:
            outside, judged, expected = tally(own, name)
            rows.append({"program": program, "variant": variant, "evaluation": name, "outside": outside})
            rows[-1] |= {"figures": judged, "by_chance": expected, "n": own[0].n}
            cells[f"outside, {name}"] = f"{outside} of {judged} (by chance {expected:.1f})" if judged else "–"
        display.append({**cells, "n": own[0].n})
    caption = (
        "Published figures outside the 95 % prediction interval for one run of ours, from n seeds, by the program that "
        "printed them; and how many would be by chance, were each run like ours. The figures of one run depend on each "
        "other, so that a count is no test."
    )
    return table("published_programs", caption, rows, display)


def vectors(checks: Sequence[VectorCheck]) -> Table:
    """A row a published vector."""
    display = []
    for check in checks:
        cells: dict[str, Any] = {"variant": check.variant, "vector": f"{check.group} ({check.size} figures)"}
        scale, unit = check.scale
        for name in published.EVALUATIONS:
            fit = check.fits.get(name)
            cells[name] = (
                f"{fit.distance * scale:.1f}{unit}; runs among themselves {min(fit.own) * scale:.1f} to "
                f"{max(fit.own) * scale:.1f} (n = {fit.n})"
                if fit
                else "–"
            )
        display.append({**cells, "conclusion": check.conclusion})
    caption = (
        "Published vectors, jointly: mean root-mean-square distance to the runs of each evaluation, beside the "
        "distances of these runs from each other. A vector fits where it is not farther than the farthest run; "
        "one more run of ours would fail that once in n + 1. Baseline rows are the control. Vectors of several "
        "kinds are in units of each figure's spread over seeds."
    )
    return table("published_vectors", caption, map(_flat_vector, checks), display)


def interval_text(own: Measure, interval: Interval | None, *, difference: bool = False) -> str:
    """`[48.10, 49.74]`"""
    if interval is None:
        return "–"
    ends = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"[{', '.join(ends)}]"


def verdict_text(verdict: Verdict) -> str:
    """The outcome and, where nothing was resolved, n and what it would resolve."""
    if verdict.outcome != "not resolvable":
        return verdict.outcome
    if verdict.smallest is None:
        return f"{verdict.verdict}, whatever the difference" if verdict.classes and verdict.n > 1 else verdict.verdict
    unit = verdict.measure.unit_of(difference=True)
    away = " off the margin" if verdict.claim.below is not None else ""
    return f"{verdict.verdict}; resolves {verdict.measure.show(verdict.smallest)}{' ' + unit if unit else ''}{away}"


def figure_text(verdict: Verdict) -> str:
    """`+6.92 [+4.42, +9.42] points`"""
    unit = verdict.measure.unit_of(difference=verdict.difference) if verdict.estimate else ""
    return f"{estimate_text(verdict.measure, verdict.estimate, difference=verdict.difference)} {unit}".rstrip()


def _claim_row(verdict: Verdict) -> dict[str, Any]:
    return {
        "claim": f"{verdict.claim.number}. {verdict.claim.statement}",
        "ours": figure_text(verdict),
        "n": verdict.n,
        "p": p_text(verdict.adjusted_p),
        "published": _beside(verdict),
        "verdict" if verdict.pixels else "verdict, on a re-encoded copy": verdict_text(verdict),
    }


def _beside(verdict: Verdict) -> str:
    """`+6.35: inside; lesioned: outside`"""
    if verdict.published is None:
        return "–"
    found = {name: INSIDE[verdict.inside(name)] for name in published.EVALUATIONS if verdict.inside(name) is not None}
    shown = verdict.measure.show(verdict.published, difference=verdict.difference)
    text = "; ".join(inside if name == "intact" else f"{name}: {inside}" for name, inside in found.items())
    return f"{shown}: {text}" if text else shown


def _label(verdict: Verdict) -> str:
    unit = verdict.measure.unit_of(difference=verdict.difference)
    return f"{verdict.measure.label}{', ' + unit if unit else ''}"


def _flat(verdict: Verdict) -> dict[str, Any]:
    """Return the claim's entry of report.json in columns."""
    entry = verdicts.as_json(verdict)
    sensitivity, predicted = entry.pop("sensitivity"), entry.pop("prediction_interval")
    inside, outcome = entry.pop("inside_prediction_interval"), entry.pop("verdict")
    published_figure, interval = entry.pop("published"), entry.pop("interval")
    after = {key: entry.pop(key) for key in ("n", "test", "p", "adjusted_p", "smallest_resolvable")}
    flat = {**entry, **_ends("interval", interval), **after}
    flat["variants"] = " ".join(f"{weight:+g}·{variant}" for variant, weight in verdict.claim.variants.items())
    flat |= _ends("sensitivity_unpaired_interval", sensitivity["unpaired_interval"])
    flat |= {"sensitivity_sign_flip_p": sensitivity["sign_flip_p"], "published": published_figure}
    return {**flat, **_prediction(predicted, inside), "verdict": outcome}


def _flat_figure(check: FigureCheck) -> dict[str, Any]:
    """Return a published figure's entry of report.json in columns."""
    entry = figure_json(check)
    predicted, inside = entry.pop("prediction_interval"), entry.pop("inside_prediction_interval")
    return {**entry, **_prediction(predicted, inside)}


def _flat_vector(check: VectorCheck) -> dict[str, Any]:
    """Return a published vector's entry of report.json in columns."""
    entry = vector_json(check)
    evaluations, conclusion = entry.pop("evaluations"), entry.pop("conclusion")
    for name, fit in evaluations.items():
        own = fit.pop("runs_own_distances")
        fit |= {"least_own_distance": min(own), "greatest_own_distance": max(own)}
        entry |= {f"evaluations_{name}_{key}": value for key, value in fit.items()}
    return {**entry, "conclusion": conclusion}


def _prediction(intervals: Mapping[str, Any], inside: Mapping[str, bool | None]) -> dict[str, Any]:
    """Return columns of prediction intervals, and of what lies inside them, by evaluation."""
    flat: dict[str, Any] = {}
    for name, interval in intervals.items():
        flat |= _ends(f"prediction_interval_{name}", interval)
    return flat | {f"inside_prediction_interval_{name}": value for name, value in inside.items()}


def _ends(name: str, interval: Sequence[float] | None) -> dict[str, float | None]:
    """Return an interval's columns, None where there is none."""
    return dict(zip((f"{name}_low", f"{name}_high"), interval or (None, None), strict=True))
