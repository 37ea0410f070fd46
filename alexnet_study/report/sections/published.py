"""The published figures beside our runs: each alone, by program, and as vectors; and where the code loses the skip."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.published import (
    EVALUATIONS,
    FigureCheck,
    Joint,
    VectorCheck,
    figure_json,
    tally,
    vector_json,
)
from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import GREY, INK, NARROW, WIDE, Picture, Point, look, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import INSIDE, Row, flat, interval_text, prediction_columns
from alexnet_study.report.statistics.joint import joint_power
from alexnet_study.study.claims import CodeFinding

LABEL = {WIDE: 44, NARROW: 22}  # letters in a line beside an axis
SHIFTS = {"intact": -0.17, "lesioned": 0.17}  # of an evaluation from its line
MOST_RUNS = 40  # for which power is simulated
DEFINITION = (
    "A published vector is judged jointly by a rank. It joins the n runs of an evaluation; each figure is scaled by "
    "its standard deviation over all n + 1 points; a point's score is its mean distance (root mean square over "
    "figures) to the other n; p is the number of points that score at least as much as the vector, over n + 1, so "
    "that its floor is 1/(n + 1). The vector is refused where p is under 0.05, for which n of at least 20 is needed. "
    "Else it fits where some run scores at least as much, and is farther than every run where none does. The log "
    "predictive density beside it is a description, not a test: figures are taken as independent; higher is likelier."
)


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
    if material.published_vectors:
        text += [DEFINITION, *power_text(material.published_vectors)]
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
            "counted": "yes" if check.counted else "follows from others" if check.follows else "doesn't vary",
            "n": check.n,
        }
        for check in checks
    ]
    caption = (
        "Published figures beside the 95 % prediction interval for one run of ours, from n seeds, intact and lesioned. "
        "Figures that follow from others, or don't vary between our runs, aren't counted as tests."
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
        for name in EVALUATIONS:
            cells[name] = _joint_text(check.joint[name]) if name in check.joint else "–"
        display.append({**cells, "conclusion": check.conclusion})
    caption = (
        "Published vectors, jointly: p of the rank among the n runs of each evaluation; the vector's mean distance to "
        "the runs, and the least and the largest distance of two runs, in standard deviations of all n + 1 points; the "
        "log predictive density, a description. Baseline rows are the control."
    )
    return table("published_vectors", caption, [flat(vector_json(check)) for check in checks], display)


def _joint_text(own: Joint) -> str:
    rank = own.rank
    density = f"; log density {own.density.vector:.1f}".replace("-", "−") if own.density else ""
    pairs = f"{rank.pairs.low:.1f} to {rank.pairs.high:.1f}"
    return f"p = {own.p_text}; {rank.score:.1f} spreads away, two runs {pairs}{density} (n = {rank.n})"


def power_text(checks: Sequence[VectorCheck]) -> list[str]:
    """Return how often a vector that is off would be found farthest, at the n of the largest vector."""
    check = max(checks, key=lambda check: check.size)
    if not check.joint or (n := check.joint["intact"].rank.n) > MOST_RUNS:
        return []
    found = [100 * joint_power(n, check.size, correlation=own).refused for own in (0.0, 0.5)]
    return [
        f"Power: a vector off by one standard deviation in each of {check.size} figures is farther than every one of "
        f"{n} runs {found[0]:.0f} % of the time where the figures are independent, {found[1]:.0f} % where they "
        "correlate by 0.5 (simulated, normal); else it fits."
    ]


def _flat_figure(check: FigureCheck) -> Row:
    """Return a published figure's entry of report.json in columns."""
    entry = figure_json(check)
    predicted, inside = entry.pop("prediction_interval"), entry.pop("inside_prediction_interval")
    return {**entry, **prediction_columns(predicted, inside)}


def evidence(material: Material) -> Picture:
    """Draw published figures of a model with a skip beside its runs, and how far the vectors lie from them."""
    collection = material.collection
    variant, checks, vectors = _lesion_case(material)
    rows: list[Row] = []
    points: list[Point] = []
    figures = []
    for width in (NARROW, WIDE):
        heights = [0.36 * len(checks) + 0.4, 0.62 * len(vectors) + 0.4]
        figure = Figure(figsize=(width, sum(heights) + 0.5))
        above, below = figure.subplots(2, 1, height_ratios=heights)
        values, at_figures = _draw_figures(above, collection, variant, checks)
        distances, at_vectors = _draw_vectors(below, collection, vectors)
        rows, points = values + distances, at_figures + at_vectors
        for axes in (above, below):
            texts = [own.get_text() for own in axes.get_yticklabels()]
            axes.set_yticklabels([textwrap.fill(text, LABEL[width]) for text in texts], fontsize=8)
        columns = 3 if width == WIDE else 1
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=columns, frameon=False)
        figures.append(figure)
    narrow, wide = figures
    caption = (
        f"Was {variant} evaluated with its skip connection? Above: each published figure (◆) beside our runs, "
        "intact and lesioned (hollow). Below: mean distance of each published vector (◆) and of each run (dots) to the "
        "others of an evaluation, over that of the farthest run (1 or less: the vector fits)."
    )
    alt = (
        f"Published figures of {variant} beside its runs with and without the skip connection: {_conclusions(vectors)}."
    )
    data = pd.DataFrame(rows)
    return picture(wide, "evidence", caption=caption, alt=alt, data=data, narrow=narrow, points=points)


def has_lesion_case(material: Material) -> bool:
    """Return whether some variant has a lesioned evaluation and published vectors."""
    return any("lesioned" in check.joint for check in material.published_vectors)


def _lesion_case(material: Material) -> tuple[str, list[FigureCheck], list[VectorCheck]]:
    variant = next(check.variant for check in material.published_vectors if "lesioned" in check.joint)
    vectors = [check for check in material.published_vectors if check.variant == variant]
    programs = {program for check in vectors for program in check.program.split(", ")}
    return variant, [c for c in material.published_figures if c.variant == variant and c.program in programs], vectors


def _conclusions(vectors: list[VectorCheck]) -> str:
    return "; ".join(f"{check.group} {check.conclusion}" for check in vectors)


def _draw_figures(
    axes: Axes, collection: Collection, variant: str, checks: list[FigureCheck]
) -> tuple[list[Row], list[Point]]:
    """Draw each published figure beside the runs; return what is drawn, and the published points."""
    rows, points = [], []
    for place, check in enumerate(checks):
        for evaluation, shift in SHIFTS.items():
            values = 100 * np.array(list(collection.values.of(variant, check.metric, evaluation).values()))
            text = f"{variant}, {evaluation} (n = {len(values)})" if place == 0 else None
            jitter = 0.05 * np.sin(2.4 * np.arange(len(values)))
            axes.plot(values, place + shift + jitter, label=text, **_dots(collection, variant, evaluation))
            rows += [
                {"figure": check.measure.label, "evaluation": evaluation, "value": value / 100} for value in values
            ]
        text = "published (n = 1)" if place == 0 else None
        axes.plot(100 * check.published, place, "kD", markersize=5, linestyle="none", label=text)
        rows.append({"figure": check.measure.label, "evaluation": "published", "value": check.published})
        points.append(Point(axes, 100 * check.published, place, _beside_ours(check)))
    axes.set(yticks=range(len(checks)), xlabel="%", ylim=(len(checks) - 0.4, -0.6))
    axes.set_yticklabels([check.measure.label for check in checks])
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    return rows, points


def _beside_ours(check: FigureCheck) -> str:
    """Return a published figure with the prediction interval of each evaluation."""
    ours = [f"{name} {interval_text(check.measure, own)}" for name, own in check.predicted.items() if own]
    return (
        f"{check.measure.label}, published: {check.measure.show(check.published)}; one run of ours: {', '.join(ours)}"
    )


def _dots(collection: Collection, variant: str, evaluation: str) -> dict[str, Any]:
    """Return how the runs of an evaluation are drawn: hollow if lesioned, as in all figures."""
    return {**look(collection, variant, evaluation), "linestyle": "none", "markersize": 4, "alpha": 0.85}


def _draw_vectors(axes: Axes, collection: Collection, vectors: list[VectorCheck]) -> tuple[list[Row], list[Point]]:
    """Draw how far each published vector and each run lies; return what is drawn, and the published points."""
    rows: list[Row] = []
    points = []
    for place, check in enumerate(vectors):
        for evaluation, shift in SHIFTS.items():
            if evaluation not in check.joint:
                continue
            rank = check.joint[evaluation].rank
            farthest = max(rank.scores)
            own = np.array(rank.scores) / farthest
            axes.plot(own, np.full(len(own), place + shift), **_dots(collection, check.variant, evaluation))
            ratio = rank.score / farthest
            face = "white" if evaluation == "lesioned" else INK
            axes.plot(ratio, place + shift, marker="D", color=INK, markerfacecolor=face, markersize=6)
            at = {"figure": check.group, "evaluation": evaluation}
            rows += [{**at, "run_distance": value} for value in rank.scores]
            rows.append({**at, "published_distance": rank.score})
            text = f"{ratio:.2f} of the farthest run's distance, p = {check.joint[evaluation].p_text}"
            points.append(Point(axes, ratio, place + shift, f"{check.group}, {evaluation}: {text}"))
    axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(yticks=range(len(vectors)), xlabel="distance / farthest run's", ylim=(len(vectors) - 0.4, -0.6))
    texts = ["all together" if check.mixed else check.group for check in vectors]
    axes.set_yticklabels([f"{text}: {check.conclusion}" for text, check in zip(texts, vectors, strict=True)])
    axes.set_xlim(left=0)
    axes.margins(x=0.1)
    return rows, points
