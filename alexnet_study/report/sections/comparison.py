"""Test top-1 of every run, all measures of each variant, and how they differ from the first's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.contrasts import compare
from alexnet_study.report.collection import Collection
from alexnet_study.report.factorial import pairs
from alexnet_study.report.flags import majority
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import PERCENT, WIDE, Picture, Point, look, names, picture, within
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import (
    Row,
    estimate_columns,
    estimate_text,
    fewer,
    heading,
    label,
    mean_of,
    over_seeds,
    range_text,
    unreached_text,
)
from alexnet_study.report.statistics import estimates
from alexnet_study.study.metrics import in_evaluation

TOP1 = "evaluations.intact.top1"


def section(material: Material) -> Section:
    """Return the variants compared."""
    collection = material.collection
    several = (differences(collection),) if len(collection.variants) > 1 else ()
    items = (accuracy(material), comparison(collection), *several)
    return Section(name="comparison", title="Comparison of variants", items=items)


def accuracy(material: Material) -> Picture:
    """Draw test top-1 of every run, with mean, intervals and the published figures."""
    collection = material.collection
    groups = collection.evaluations
    figure = Figure(figsize=(WIDE, 0.8 + 0.42 * len(groups)))
    axes = figure.subplots()
    points = [_runs(axes, collection, place, *group) for place, group in enumerate(groups)]
    points += _published(axes, material)
    axes.set(yticks=range(len(groups)), xlabel="test top-1, %", ylim=(len(groups) - 0.4, -0.6))
    axes.set_yticklabels([heading(collection, *group) for group in groups])
    within(axes, x=PERCENT)
    caption = "Test top-1 of every run (dots); above them their mean and its 95 % t interval; published figures (▼)."
    rows = [
        {"variant": variant, "evaluation": evaluation, "top1": value}
        for variant, evaluation in groups
        for value in collection.values.of(variant, TOP1, evaluation).values()
    ]
    alt = f"Test top-1 of each run of {names(collection)}."
    return picture(figure, "accuracy", caption=caption, alt=alt, data=pd.DataFrame(rows), points=points)


def _runs(axes: Axes, collection: Collection, place: int, variant: str, evaluation: str) -> Point:
    """Draw a dot for each run, and above them their mean and its interval; return the mean."""
    values = list(collection.values.of(variant, TOP1, evaluation).values())
    style, mean = look(collection, variant, evaluation), estimates.mean(values)
    dots = {"color": style["color"], "marker": style["marker"]}
    _strip(axes, 100 * np.array(values), place, hollow=evaluation == "lesioned", **dots)
    if interval := measure(TOP1).interval(mean):
        ends = [100 * interval.low, 100 * interval.high]
        axes.plot(ends, [place - 0.28] * 2, linewidth=1.8, color=style["color"], linestyle=style["linestyle"])
    axes.plot(100 * mean.value, place - 0.28, markersize=6, **style)
    text = f"{heading(collection, variant, evaluation)}: {estimate_text(measure(TOP1), mean)} %"
    return Point(axes, 100 * mean.value, place - 0.28, text)


def _published(axes: Axes, material: Material) -> list[Point]:
    """Draw the published figures, each under its variant's runs; return them."""
    points = []
    groups = material.collection.evaluations
    for check in material.published_figures:
        if check.metric == TOP1:
            at = 100 * check.published, groups.index((check.variant, "intact")) + 0.3
            shown = f"published {check.measure.show(check.published)}"
            axes.plot(*at, "k", marker="v", markersize=7)
            axes.annotate(shown, at, xytext=(6, -1), textcoords="offset points", va="center", fontsize=8)
            points.append(Point(axes, *at, f"{check.variant}, {shown} %"))
    return points


def _strip(
    axes: Axes, values: Sequence[float] | np.ndarray[Any, Any], place: float, *, hollow: bool, **style: Any
) -> None:
    """Draw a dot for each run, spread a little so that equal ones show."""
    offsets = 0.12 * np.sin(2.4 * np.arange(len(values)))
    face = "none" if hollow else style["color"]
    axes.scatter(
        values,
        place + offsets,
        rasterized=len(values) > 200,
        s=22,
        facecolors=face,
        edgecolors=style["color"],
        marker=style["marker"],
        alpha=0.8,
    )


def comparison(collection: Collection) -> Table:
    """Return every measure of each variant and evaluation over seeds."""
    rows: list[Row] = []
    display: list[Row] = []
    for path, own in collection.measures.items():
        cells: Row = {"figure": label(own)}
        for variant, evaluation in collection.evaluations:
            values = list(collection.values.of(variant, path, evaluation).values())
            estimate = mean_of(values)
            at: Row = {"variant": variant, "evaluation": evaluation, "metric": in_evaluation(path, evaluation) or path}
            if evaluation == "intact" and collection.unreached(variant, path):
                rows.append({**at, "n": len(values), "unreached": len(collection.unreached(variant, path))})
                cells[heading(collection, variant, evaluation)] = _censored(collection, variant, path)
                continue
            if estimate:
                rows.append({**at, **over_seeds(own, values).row})
            text = estimate_text(own, estimate) + fewer(estimate, len(collection.of(variant)))
            cells[heading(collection, variant, evaluation)] = text
        display.append(cells)
    caption = "Comparison of variants: mean [95 % t interval, of shares on the logit scale] over n seeds."
    caption += "".join(f" {line}" for line in majority(collection.classes, collection.class_sizes))
    if any(evaluation == "mirrored" for _, evaluation in collection.evaluations):
        caption += " Mirrored: with logits averaged with those of the mirrored image."
    if any("unreached" in row for row in rows):
        caption += " Where a run ended before what is counted: median (least to greatest) of the others, and how many."
    return table("comparison", caption, rows, display)


def _censored(collection: Collection, variant: str, path: str) -> str:
    """Return what is known of a measure that some runs never reach: no mean, which would be of the others alone."""
    values, ended = list(collection.values.of(variant, path).values()), unreached_text(collection, variant, path)
    return f"{range_text(measure(path), values)} in {len(values)}; {ended}" if values else ended


def differences(collection: Collection) -> Table:
    """Return every measure of later variants less the first's; in a factorial also less that without a skip."""
    rows, shown = [], collection.measures
    display: list[Row] = [{"figure": label(own, difference=True)} for own in shown.values()]
    for other, less in compared(collection):
        estimates = []
        for path in shown:
            values = {variant: collection.at_least(variant, path) for variant in (other, less)}
            found = compare({other: 1.0, less: -1.0}, values)
            estimates.append(found.estimate if found else None)
            if found:
                at = {"variant": other, "less_variant": less, "metric": path, "paired": found.paired}
                rows.append({**at, **estimate_columns(found.estimate)})
        most = max((estimate.n for estimate in estimates if estimate), default=0)
        for cells, (path, own), estimate in zip(display, shown.items(), estimates, strict=True):
            text = estimate_text(own, estimate, difference=True) + fewer(estimate, most)
            ended = len(collection.unreached(other, path)) + len(collection.unreached(less, path))
            text += f"; {ended} never reached" if ended else ""
            cells[f"{other} − {less} (n = {most})"] = text
    from_what = "the first variant, and of a skip from its own kind" if pairs(collection) else "the first variant"
    caption = (
        f"Differences from {from_what}, intact: mean [95 % t interval], paired by seed, from the seeds that "
        "both have. One interval at a time; only the claims above are corrected for "
        "their number. A run that ended before what is counted has the epoch after its last."
    )
    return table("differences", caption, rows, display)


def compared(collection: Collection) -> list[tuple[str, str]]:
    """Return the pairs whose differences a reader asks for: in a factorial the skips', then each from the first."""
    first, *others = collection.variants
    return list(dict.fromkeys([*pairs(collection), *((other, first) for other in others)]))
