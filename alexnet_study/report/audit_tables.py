"""The tables of the audit: claims with their verdicts, published figures, published vectors."""

from collections.abc import Sequence
from typing import Any

from alexnet_study.report import published, verdicts
from alexnet_study.report.measures import Measure
from alexnet_study.report.published import FigureCheck, VectorCheck, figure_json, vector_json
from alexnet_study.report.statistics import Interval
from alexnet_study.report.tables import Table, estimate_text, p_text, table
from alexnet_study.report.verdicts import Verdict

INSIDE = {True: "inside", False: "outside", None: "–"}


def claims(judged: Sequence[Verdict]) -> Table:
    """A row a claim."""
    caption = (
        "The claims: our estimate [95 % interval] over n seeds, p adjusted by Holm over all tests of this table, "
        "whether the published figure lies in the 95 % prediction interval for one run of ours, evaluated intact "
        "and lesioned (with the skip connection removed), and the verdict."
    )
    found = table("claims", caption, map(_flat, judged), map(_claim_row, judged))
    if any(verdict.published is not None for verdict in judged):
        return found
    display = found.display.drop(columns=["published", "in ours, intact", "in ours, lesioned"])
    caption = "The claims: our estimate [95 % interval] over n seeds, p adjusted by Holm over all tests of this table."
    return Table(name=found.name, caption=caption, tidy=found.tidy, display=display)


def definitions(judged: Sequence[Verdict]) -> Table:
    """What each claim's terms mean, and what the other analyses say."""
    rows = [
        {
            "claim": verdict.claim.id,
            "definition": verdict.claim.definition,
            "test": verdicts.test_name(verdict),
            "unpaired estimate": estimate_text(verdict.measure, verdict.unpaired, difference=verdict.difference),
            "exact sign-flip p": p_text(verdict.flip_p),
        }
        for verdict in judged
    ]
    caption = "What each claim means here, how it was tested, and the two sensitivity checks."
    return table("definitions", caption, rows, rows)


def figures(checks: Sequence[FigureCheck]) -> Table:
    """A row a published figure."""
    display = [
        {
            "variant": check.variant,
            "figure": check.measure.label + (f", {check.measure.unit_of()}" if check.measure.unit_of() else ""),
            "program": check.program,
            "published": check.measure.show(check.published),
            **{
                name: f"{interval_text(check.measure, check.predicted.get(name))} {INSIDE[check.inside(name)]}".strip(
                    " –"
                )
                or "–"
                for name in published.EVALUATIONS
            },
            "n": check.n,
        }
        for check in checks
    ]
    caption = (
        "Published figures beside the 95 % prediction interval for one run of ours, from n seeds, intact and lesioned."
    )
    return table("published_figures", caption, map(_flat_figure, checks), display)


def vectors(checks: Sequence[VectorCheck]) -> Table:
    """A row a published vector."""
    display = []
    for check in checks:
        cells: dict[str, Any] = {"variant": check.variant, "vector": f"{check.group} ({check.size} figures)"}
        scale, unit = (1, "") if "+" in check.group else (100, " points")
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
        "kinds are in units of their spread."
    )
    return table("published_vectors", caption, map(_flat_vector, checks), display)


def interval_text(own: Measure, interval: Interval | None, *, difference: bool = False) -> str:
    """`[48.10, 49.74]`"""
    if interval is None:
        return "–"
    ends = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"[{', '.join(ends)}]"


def verdict_text(verdict: Verdict) -> str:
    """The verdict, with the smallest resolvable difference where there is none."""
    smallest = verdict.estimate.resolvable() if verdict.estimate else None
    if verdict.outcome != "not resolvable" or smallest is None:
        return verdict.verdict
    unit = verdict.measure.unit_of(difference=True)
    return f"{verdict.verdict}; resolves from {verdict.measure.show(smallest)}{' ' + unit if unit else ''}"


def _claim_row(verdict: Verdict) -> dict[str, Any]:
    own, difference = verdict.measure, verdict.difference
    unit = own.unit_of(difference=difference)
    return {
        "claim": verdict.claim.id,
        "statement": verdict.claim.statement,
        "verdict": verdict_text(verdict),
        "figure": f"{own.label}{', ' + unit if unit else ''}",
        "estimate": estimate_text(own, verdict.estimate, difference=difference),
        "n": verdict.n,
        "adjusted p": p_text(verdict.adjusted_p),
        "published": own.show(verdict.published, difference=difference),
        "in ours, intact": INSIDE[verdict.inside("intact")],
        "in ours, lesioned": INSIDE[verdict.inside("lesioned")],
    }


def _flat(verdict: Verdict) -> dict[str, Any]:
    """The claim's entry of report.json in columns."""
    return flatten(verdicts.as_json(verdict))


def _flat_figure(check: FigureCheck) -> dict[str, Any]:
    return flatten(figure_json(check))


def _flat_vector(check: VectorCheck) -> dict[str, Any]:
    entry = vector_json(check)
    for fit in entry["evaluations"].values():
        own = fit.pop("runs_own_distances")
        fit |= {"least_own_distance": min(own), "greatest_own_distance": max(own)}
    return flatten(entry)


def flatten(entry: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as columns a_b; intervals as a_low and a_high; variants' weights as one text."""
    flat: dict[str, Any] = {}
    for key, value in entry.items():
        name = f"{prefix}{key}"
        if key == "variants":
            flat[name] = " ".join(f"{weight:+g}·{variant}" for variant, weight in value.items())
        elif isinstance(value, dict):
            flat |= flatten(value, f"{name}_")
        elif key in ("interval", "unpaired_interval") or prefix == "prediction_interval_":
            flat |= dict(zip((f"{name}_low", f"{name}_high"), value or (None, None), strict=True))
        else:
            flat[name] = value
    return flat
