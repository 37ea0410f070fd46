"""The published figures beside our runs: each alone, by program, and as vectors; and where the code loses the skip."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.published import EVALUATIONS, FigureCheck, VectorCheck, figure_json, tally, vector_json
from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import GREY, HUES, Picture, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import INSIDE, Row, interval_text, prediction_columns
from alexnet_study.study.claims import CodeFinding

SHOWN_AS: dict[str, Any] = {
    "intact": {"color": HUES[1], "marker": "s"},
    "lesioned": {"color": HUES[2], "marker": "o"},
}


def section(material: Material) -> Section | None:
    """Return the published figures beside our runs; None without any."""
    if not material.published_figures:
        return None
    published = material.collection.study.published
    assert published is not None  # there are no figures without it
    text = [f"From {published.source}: {published.runs}."]
    if published.hypothesis:
        text.append(f"Hypothesis: {published.hypothesis}")
    if published.code_read_at:
        text.append(f"The published code was read in {published.code_read_at}.")
    lesion = (evidence(material),) if has_lesion_case(material) else ()
    joint = (vectors(material.published_vectors),) if material.published_vectors else ()
    places = (code(published.code),) if published.code else ()
    items = (*lesion, programs(material.published_figures), *joint, *places, figures(material.published_figures))
    return Section(name="published", title="The published figures", text=tuple(text), items=items)


def code(findings: Sequence[CodeFinding]) -> Table:
    """Return a row for each place in the published code."""
    rows = [{"file": found.file, "lines": found.lines, "what it does": found.finding} for found in findings]
    return table("published_code", "The published code, where the skip connection is made and lost.", rows, rows)


def figures(checks: Sequence[FigureCheck]) -> Table:
    """Return a row for each published figure."""
    display = [
        {
            "variant": check.variant,
            "figure": check.measure.label + (f", {check.measure.unit_of()}" if check.measure.unit_of() else ""),
            "program": check.program,
            "published": check.measure.show(check.published),
            **{
                name: f"{interval_text(check.measure, interval)} {INSIDE[check.inside(name)]}" if interval else "–"
                for name, interval in ((name, check.predicted.get(name)) for name in EVALUATIONS)
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
    """Return how many published figures of each program and variant lie outside, intact and lesioned."""
    rows: list[Row] = []
    display = []
    for program, variant in dict.fromkeys((check.program, check.variant) for check in checks):
        own = [check for check in checks if (check.program, check.variant) == (program, variant)]
        cells: Row = {"program": program, "variant": variant}
        for name in EVALUATIONS:
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
    """Return a row for each published vector."""
    display = []
    for check in checks:
        cells: Row = {"variant": check.variant, "vector": f"{check.group} ({check.size} figures)"}
        scale, unit = check.scale
        for name in EVALUATIONS:
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


def _flat_figure(check: FigureCheck) -> Row:
    """Return a published figure's entry of report.json in columns."""
    entry = figure_json(check)
    predicted, inside = entry.pop("prediction_interval"), entry.pop("inside_prediction_interval")
    return {**entry, **prediction_columns(predicted, inside)}


def _flat_vector(check: VectorCheck) -> Row:
    """Return a published vector's entry of report.json in columns."""
    entry = vector_json(check)
    evaluations, conclusion = entry.pop("evaluations"), entry.pop("conclusion")
    for name, fit in evaluations.items():
        own = fit.pop("runs_own_distances")
        fit |= {"least_own_distance": min(own), "greatest_own_distance": max(own)}
        entry |= {f"evaluations_{name}_{key}": value for key, value in fit.items()}
    return {**entry, "conclusion": conclusion}


def evidence(material: Material) -> Picture:
    """Draw published figures of a model with a skip beside its runs, and how far the vectors lie from them."""
    collection = material.collection
    variant, checks, vectors = _lesion_case(material)
    figure = Figure(figsize=(10.5, 4.6))
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    rows = _draw_figures(left, collection, variant, checks)
    rows += _draw_vectors(right, vectors)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    caption = (
        f"Was {variant} evaluated with its skip connection? Left: each published figure (◆) beside our runs, "
        "intact and lesioned. Right: distance of each published vector (◆) to the runs of an evaluation, over the "
        "distance of the farthest of these runs from the others (dots; 1 or less: the vector fits)."
    )
    alt = (
        f"Published figures of {variant} beside its runs with and without the skip connection: {_conclusions(vectors)}."
    )
    return picture(figure, "evidence", caption=caption, alt=alt, data=pd.DataFrame(rows))


def has_lesion_case(material: Material) -> bool:
    """Return whether some variant has a lesioned evaluation and published vectors."""
    return any("lesioned" in check.fits for check in material.published_vectors)


def _lesion_case(material: Material) -> tuple[str, list[FigureCheck], list[VectorCheck]]:
    variant = next(check.variant for check in material.published_vectors if "lesioned" in check.fits)
    vectors = [check for check in material.published_vectors if check.variant == variant]
    groups = {group for check in vectors for group in check.groups}
    return variant, [c for c in material.published_figures if c.variant == variant and c.group in groups], vectors


def _conclusions(vectors: list[VectorCheck]) -> str:
    return "; ".join(f"{check.group} {check.conclusion}" for check in vectors)


def _draw_figures(axes: Axes, collection: Collection, variant: str, checks: list[FigureCheck]) -> list[Row]:
    rows = []
    for place, check in enumerate(checks):
        for shift, (evaluation, style) in zip((-0.17, 0.17), SHOWN_AS.items(), strict=True):
            values = 100 * np.array(list(collection.values.of(variant, check.metric, evaluation).values()))
            text = f"{variant}, {evaluation} (n = {len(values)})" if place == 0 else None
            jitter = 0.05 * np.sin(2.4 * np.arange(len(values)))
            axes.scatter(values, place + shift + jitter, s=16, alpha=0.85, linewidths=0, label=text, **style)
            rows += [
                {"figure": check.measure.label, "evaluation": evaluation, "value": value / 100} for value in values
            ]
        text = "published (n = 1)" if place == 0 else None
        axes.plot(100 * check.published, place, "kD", markersize=5, linestyle="none", label=text)
        rows.append({"figure": check.measure.label, "evaluation": "published", "value": check.published})
    axes.set(yticks=range(len(checks)), xlabel="%", ylim=(len(checks) - 0.4, -0.6))
    axes.set_yticklabels([check.measure.label for check in checks])
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    return rows


def _draw_vectors(axes: Axes, vectors: list[VectorCheck]) -> list[Row]:
    rows: list[Row] = []
    for place, check in enumerate(vectors):
        for shift, (evaluation, style) in zip((-0.17, 0.17), SHOWN_AS.items(), strict=True):
            fit = check.fits.get(evaluation)
            if fit is None:
                continue
            farthest = max(fit.own)
            own = np.array(fit.own) / farthest
            axes.scatter(own, np.full(len(own), place + shift), s=16, alpha=0.85, linewidths=0, **style)
            ratio = fit.distance / farthest
            axes.plot(ratio, place + shift, marker="D", color=style["color"], markeredgecolor="k", markersize=7)
            at = {"figure": check.group, "evaluation": evaluation}
            rows += [{**at, "run_distance": value} for value in fit.own] + [{**at, "published_distance": fit.distance}]
    axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(yticks=range(len(vectors)), xlabel="distance / the farthest run's", ylim=(len(vectors) - 0.4, -0.6))
    texts = ["all together" if check.mixed else check.group for check in vectors]
    axes.set_yticklabels([f"{text}:\n{check.conclusion}" for text, check in zip(texts, vectors, strict=True)])
    axes.set_xlim(left=0)
    return rows
