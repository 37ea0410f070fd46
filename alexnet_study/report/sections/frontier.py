"""Accuracy against training time, of studies whose variants differ in how much they compute."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from scipy.sparse.csgraph import connected_components

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import GREY, INK, NARROW, WIDE, Picture, Point, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, estimate_columns, estimate_text
from alexnet_study.report.sections.cost import costs, devices
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Estimate

TOP1 = "evaluations.intact.top1"
APART = 1.5  # times the work of the variant that computes least: less is not worth a figure
LEAST_VARIANTS = 3
NEAR = (16.0, 10.0)  # typographic points, across and up: a number of two digits


@dataclass(frozen=True, kw_only=True)
class TimedAccuracy:
    """A variant: its number in table and figure, seconds of training of each run, and test top-1 over seeds.

    mirrored: None where it isn't measured. best: no variant is at least as accurate in at most its time, and better in
    one of the two.
    """

    number: int
    variant: str
    seconds: tuple[float, ...]
    top1: Estimate
    mirrored: Estimate | None
    best: bool = False

    @property
    def median(self) -> float:
        """Return the median run's seconds, since a run beside other work on its machine takes longer."""
        return float(np.median(self.seconds))


def section(material: Material) -> Section | None:
    """Return accuracy against time; None for few variants, ones of much the same work, or runs of several devices."""
    collection = material.collection
    right = len(collection.variants) >= LEAST_VARIANTS and len(devices(collection.runs)) == 1
    if not right or not differ_in_work(collection):
        return None
    found = points(collection)
    items = (draw(collection, found), tabulate(found))
    return Section(name="frontier", title="Accuracy against training time", items=items)


def differ_in_work(collection: Collection) -> bool:
    """Return whether the multiply-adds of a variant's training are at least 1.5 times those of another's."""
    from alexnet_study.models import multiply_adds  # imports torch, which takes seconds

    classes = len(collection.classes)
    firsts = [collection.of(variant)[0].identity for variant in collection.variants]
    work = [multiply_adds(own.model, classes) * own.recipe.epochs for own in firsts]
    return max(work) >= APART * min(work)


def points(collection: Collection) -> list[TimedAccuracy]:
    """Return all variants in the study's order."""
    made = []
    for number, variant in enumerate(collection.variants, 1):
        mirrored = list(collection.values.of(variant, TOP1, "mirrored").values())
        made.append(
            TimedAccuracy(
                number=number,
                variant=variant,
                seconds=tuple(costs(run)[0] for run in collection.of(variant)),
                top1=estimates.mean(list(collection.values.of(variant, TOP1).values())),
                mirrored=estimates.mean(mirrored) if mirrored else None,
            )
        )
    best = set(frontier([(own.median, own.top1.value) for own in made]))
    return [dataclasses.replace(own, best=place in best) for place, own in enumerate(made)]


def frontier(pairs: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of (seconds, accuracy) that no other pair dominates, by seconds: Pareto's frontier.

    A pair dominates another that takes at least its time and is at most as accurate, if it differs from it.
    """
    order = sorted(range(len(pairs)), key=lambda index: (pairs[index][0], -pairs[index][1]))
    kept: list[int] = []
    for index in order:
        if not kept or pairs[index][1] > pairs[kept[-1]][1] or pairs[index] == pairs[kept[-1]]:
            kept.append(index)
    return kept


def tabulate(found: Sequence[TimedAccuracy]) -> Table:
    """Return seconds and accuracy of each variant, and whether it is on the frontier."""
    own = measure(TOP1)
    rows: list[Row] = []
    display: list[Row] = []
    several = any(point.mirrored for point in found)
    for point in found:
        extent = {"seconds": point.median, "least": min(point.seconds), "greatest": max(point.seconds)}
        row: Row = {"number": point.number, "variant": point.variant, **extent, **estimate_columns(point.top1)}
        rows.append({**row, "mirrored": point.mirrored.value if point.mirrored else None, "on_frontier": point.best})
        mirrored: Row = {"mirrored, %": estimate_text(own, point.mirrored)} if several else {}
        display.append(
            {
                "": str(point.number),
                "variant": point.variant,
                "training, seconds a run": f"{point.median:.1f}",
                "test top-1, %": estimate_text(own, point.top1),
                **mirrored,
                "on the frontier": "yes" if point.best else "no",
                "n": point.top1.n,
            }
        )
    caption = (
        "Accuracy against training time: median seconds of training alone, test top-1 as mean [95 % t interval, logit "
        "scale] over n seeds. On the frontier: no variant is as accurate in as little time."
    )
    return table("frontier", caption, rows, display)


def draw(collection: Collection, found: Sequence[TimedAccuracy]) -> Picture:
    """Draw each variant's accuracy against its seconds, by number, and the frontier as a line."""
    wide, narrow = Figure(figsize=(WIDE, 4.2)), Figure(figsize=(NARROW, 4.4))
    _plot(narrow.subplots(), found)
    shown = _plot(wide.subplots(), found)
    device = devices(collection.runs)[0]
    mirrored = " Rings: mirrored." if any(point.mirrored for point in found) else ""
    caption = (
        f"Accuracy against training time on {device}: each variant by its number in the table below, mean test top-1 "
        "and 95 % t interval (logit scale) over seeds against median seconds of training (least to greatest). "
        f"Line and black dots: the frontier, of which no variant is as accurate in as little time.{mirrored}"
    )
    texts = [f"{own.number} {own.variant} {own.median:.0f} s, {100 * own.top1.value:.1f} %" for own in found]
    rows = [{"variant": own.variant, "seconds": own.median, "top1": own.top1.value, "best": own.best} for own in found]
    alt = f"Test top-1 against seconds of training: {'; '.join(texts)}."
    more: Any = {"data": pd.DataFrame(rows), "narrow": narrow, "points": shown}
    return picture(wide, "frontier", caption=caption, alt=alt, **more)


def _plot(axes: Axes, found: Sequence[TimedAccuracy]) -> list[Point]:
    """Draw the variants and the frontier; return the points."""
    own, shown = measure(TOP1), []
    for point in found:
        hue = INK if point.best else GREY
        x, y = point.median, 100 * point.top1.value
        axes.plot([min(point.seconds), max(point.seconds)], [y, y], color=hue, linewidth=0.8, alpha=0.6)
        if interval := own.interval(point.top1):
            axes.plot([x, x], [100 * interval.low, 100 * interval.high], color=hue, linewidth=1.6)
        axes.plot(x, y, marker="o", color=hue, markersize=6)
        name = f"{point.number} {point.variant}, {x:.1f} s"
        shown.append(Point(axes, x, y, f"{name}: {estimate_text(own, point.top1)} %"))
        if point.mirrored:
            x_y = x, 100 * point.mirrored.value
            axes.plot(*x_y, marker="o", color=hue, markersize=5, markerfacecolor="none")
            shown.append(Point(axes, *x_y, f"{name}, mirrored: {estimate_text(own, point.mirrored)} %"))
    best = sorted((point.median, 100 * point.top1.value) for point in found if point.best)
    axes.step(*zip(*best, strict=True), where="post", color=INK, linewidth=1)
    axes.set(xscale="log", xlabel="training, seconds a run", ylabel="test top-1, %")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    low, high = axes.get_xlim()
    axes.xaxis.set_minor_formatter(NullFormatter() if high / low > 20 else ScalarFormatter())
    _number(axes, found)
    return shown


def _number(axes: Axes, found: Sequence[TimedAccuracy]) -> None:
    """Write the numbers beside the points; those of points too near for numbers of their own in one text."""
    places = [(own.median, 100 * own.top1.value) for own in found]
    drawn = axes.transData.transform(places) * 72 / axes.figure.dpi
    at: Any = {"textcoords": "offset points", "xytext": (5, 3), "fontsize": 8}
    for group in groups([(x, y) for x, y in drawn]):
        rightmost = max(group, key=lambda index: drawn[index][0])
        hue = INK if any(found[index].best for index in group) else GREY
        axes.annotate(", ".join(str(found[index].number) for index in group), places[rightmost], color=hue, **at)


def groups(places: Sequence[tuple[float, float]]) -> list[list[int]]:
    """Return the indices of `places` (in typographic points) in groups that hold together by steps less than NEAR."""
    x, y = np.asarray(places, dtype=float).reshape(-1, 2).T
    near = (abs(x - x[:, None]) < NEAR[0]) & (abs(y - y[:, None]) < NEAR[1])
    count, labels = connected_components(near, directed=False)
    return [np.flatnonzero(labels == label).tolist() for label in range(count)]
