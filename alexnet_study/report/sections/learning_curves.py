"""Learning curves, and when the plateau that training starts on is left."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import PLATEAU, Measure, measure
from alexnet_study.report.rendering.picture import (
    GREY,
    NARROW,
    PERCENT,
    WIDE,
    Picture,
    Point,
    colour,
    grid,
    line,
    marker,
    names,
    panels_of,
    picture,
    sampled,
    within,
)
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import (
    Row,
    estimate_text,
    heading,
    mean_of,
    over_seeds,
    range_text,
)
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.collapsed import LearnedShare, flagged, learned_share

DATA = "tables/learning_curves.csv"
PANELS = (
    ("test_top1", "test top-1, %", 100.0),
    ("train_loss", "training loss\n(running), nats", 1.0),
    ("test_loss", "test loss, nats", 1.0),
)
LINES = 20  # above this many runs a variant's curves are drawn as a band alone
LABEL_INCHES, LETTER_INCHES = 0.45, 0.065  # of a label above a panel: the line and its margins, and a letter at 8 pt
MARKS = 450  # marked means of all curves together: each is an element of the page, and has a value under the pointer


def section(material: Material) -> Section:
    """Return the curves, when the plateau is left, and test top-1 after each epoch."""
    collection = material.collection
    items = (draw(material), plateau(collection), tabulate(collection))
    return Section(name="learning-curves", title="Learning curves", items=items)


def draw(material: Material) -> Picture:
    """Draw test top-1 and the losses against the epoch, variants of a kind, or the first and one other, in a panel."""
    collection = material.collection
    kinds = [list(dict.fromkeys(variant for variant, _ in groups)) for groups in panels_of(collection)]
    (narrow, _), (wide, points) = (_figure(collection, kinds, width) for width in (NARROW, WIDE))
    caption = (
        "Learning curves: mean over n seeds (marked line), its 95 % t interval at each epoch (band; of top-1 on the "
        f"logit scale), and each run (thin lines, up to {LINES} a variant, in its first panel). The bands are "
        "pointwise: that one holds at all epochs together is less sure than 95 %. The plateau is left under the dotted "
        f"line, {100 * PLATEAU:g} % of ln C."
    )
    alt = f"Learning curves of {names(collection)}: test top-1, training loss, test loss."
    more: Any = {"data": pd.DataFrame(_rows(collection)), "data_in": DATA, "narrow": narrow}
    return picture(wide, "learning_curves", caption=caption, alt=alt, points=points, **more)


def _figure(collection: Collection, kinds: Sequence[Sequence[str]], width: float) -> tuple[Figure, list[Point]]:
    """Return the figure, a panel for each metric and kind, and its points."""
    longest = max(len(_label(collection, variant)) for variant in collection.variants)
    figure, panels = _frame(len(kinds), width, LABEL_INCHES + LETTER_INCHES * longest)
    points = []
    for row, (metric, text, scale) in zip(panels, PANELS, strict=True):
        for place, (axes, variants) in enumerate(zip(row, kinds, strict=True)):
            again = {variant for earlier in kinds[:place] for variant in earlier}
            _panel(axes, collection, variants, metric, scale, without_runs=again)
            points += [point for name in variants for point in _points(axes, collection, name, metric, scale)]
            axes.set_ylabel(text)
            if len(kinds) > 1:
                axes.label_outer()
        for axes in row:  # when all is drawn, since panels share their axes
            within(axes, y=PERCENT if scale == 100 else (0.0, math.inf))
    figure.supxlabel("epochs trained", fontsize=9)
    return figure, points


def _frame(kinds: int, width: float, label_width: float) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its panels by metric, none narrower than a label; those of one metric share their axes."""
    if kinds == 1:
        rows, columns = (1, len(PANELS)) if width == WIDE else (len(PANELS), 1)
        figure = Figure(figsize=(width, 2.7 if width == WIDE else 6.2))
        return figure, [[axes] for axes in figure.subplots(rows, columns, squeeze=False).flatten()]
    rows, columns = grid(kinds, columns=max(1, min(4, int(width / label_width))))
    figure = Figure(figsize=(width, 0.4 + 1.9 * rows * len(PANELS)))
    found = figure.subplots(rows * len(PANELS), columns, sharex=True, squeeze=False)
    panels = [list(found[rows * index : rows * (index + 1)].flatten()) for index in range(len(PANELS))]
    for row in panels:
        for other in row[1:kinds]:
            other.sharey(row[0])
        for unused in row[kinds:]:
            unused.remove()
    return figure, [row[:kinds] for row in panels]


def _panel(
    axes: Axes, collection: Collection, variants: Sequence[str], metric: str, scale: float, *, without_runs: set[str]
) -> None:
    for variant in variants:
        _curve(axes, collection, variant, metric, scale, each=variant not in without_runs)
    if metric == "test_loss":
        axes.axhline(PLATEAU * math.log(len(collection.classes)), color=GREY, linewidth=0.8, linestyle=":")
    if metric == PANELS[0][0]:
        above: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "handlelength": 1.6}
        axes.legend(fontsize=8, frameon=False, **above).set_in_layout(False)  # its width would be taken off the panel's
        axes.set_title("\n".join(" " for _ in variants), fontsize=8, linespacing=1.7)  # its height
    _count_epochs(axes, collection)


def _label(collection: Collection, variant: str) -> str:
    return f"{variant} (n = {len(collection.of(variant))})"


def _points(axes: Axes, collection: Collection, variant: str, metric: str, scale: float) -> list[Point]:
    """Return a curve's marked means."""
    means = scale * np.mean(list(collection.values.vectors(variant, f"epochs.{metric}").values()), axis=0)
    unit = "%" if scale == 100 else "nats"
    return [
        Point(axes, place + 1, means[place], f"{variant}, epoch {place + 1}: {means[place]:.4g} {unit}")
        for place in _marked(collection, len(means))
    ]


def _marked(collection: Collection, epochs: int) -> list[int]:
    """Return the places of the epochs whose means are marked, evenly taken where curves are many or long."""
    return sampled(epochs, max(3, min(LINES, MARKS // (len(collection.variants) * len(PANELS)))))


def _count_epochs(axes: Axes, collection: Collection) -> None:
    """Mark whole epochs, on a logarithmic scale where variants train for different times, so that starts are seen."""
    lengths = {len(run.epochs) for run in collection.runs}
    if len(lengths) == 1:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return
    ticks = [count for count in (1, 2, 5, 10, 20, 50, 100, 200, 500) if count <= max(lengths)]
    axes.set_xscale("log")
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()


def _curve(axes: Axes, collection: Collection, variant: str, metric: str, scale: float, *, each: bool) -> None:
    runs = collection.of(variant)
    epochs = np.arange(len(runs[0].epochs)) + 1
    values = np.array(list(collection.values.vectors(variant, f"epochs.{metric}").values()))  # (n, epochs)
    own = colour(collection, variant)
    if each and len(runs) <= LINES:
        axes.plot(epochs, scale * values.T, color=own, linewidth=0.5, alpha=0.4)
    measured = measure("evaluations.intact.top1") if metric == "test_top1" else Measure(label="")
    intervals = [measured.interval(estimates.mean(column)) for column in values.T]
    band = [(scale * i.low, scale * i.high) if i else (np.nan, np.nan) for i in intervals]
    axes.fill_between(epochs, *np.transpose(band), color=own, alpha=0.2, linewidth=0)
    style: Any = {
        "label": _label(collection, variant),
        "color": own,
        "marker": marker(collection, variant),
        "linestyle": line(collection, variant),
    }
    marks = _marked(collection, len(epochs))
    axes.plot(epochs, scale * values.mean(0), markersize=3, markevery=marks, linewidth=1.2, **style)


def tabulate(collection: Collection) -> Table:
    """Return every epoch of every run; shown is test top-1."""
    epochs = max(len(run.epochs) for run in collection.runs)
    display = []
    for epoch in range(epochs):
        cells: Row = {"epochs trained": str(epoch + 1)}
        for variant in collection.variants:
            curves = [run.epochs for run in collection.of(variant) if len(run.epochs) > epoch]
            values = [curve[epoch].test_top1 for curve in curves]
            own = measure("evaluations.intact.top1")
            cells[heading(collection, variant)] = estimate_text(own, mean_of(values))
        display.append(cells)
    caption = (
        "Learning curves: test top-1, %, mean [95 % t interval, logit scale] over n seeds; the CSV holds every figure "
        "of every run."
    )
    return table("learning_curves", caption, _rows(collection), display)


def plateau(collection: Collection) -> Table:
    """Return when the runs of each variant leave the plateau that training starts on."""
    rows, display = [], []
    loss = Measure(label="", digits=3)
    for variant in collection.variants:
        runs = collection.of(variant)
        left = list(collection.values.of(variant, "derived.plateau_epochs").values())
        after_one = [run.epochs[0].test_loss for run in runs]
        extent = {"median": np.median(left), "least": min(left), "greatest": max(left)} if left else {}
        learned, odd = learned_share(len(left), len(runs)), odd_seeds(collection, variant)
        rows.append({"variant": variant, **extent, "left": len(left), "n": len(runs), **_prefixed(after_one)})
        rows[-1] |= {"learned_low": learned.interval.low, "learned_high": learned.interval.high}
        rows[-1] |= {"flagged_seeds": " ".join(map(str, odd))}
        display.append(
            {
                "variant": variant,
                "epochs until it is left": range_text(Measure(label="", digits=1), left) if left else "–",
                "runs that learned": _learned_text(learned),
                "seeds to look at": ", ".join(map(str, odd)) or "–",
                "test loss after the first epoch, nats": estimate_text(loss, estimates.mean(after_one)),
                "n": len(runs),
            }
        )
    guess = math.log(len(collection.classes))
    caption = (
        f"The initial plateau: a run has left it after the first epoch that ends with a test loss under "
        f"{100 * PLATEAU:g} % of ln {len(collection.classes)} (under {PLATEAU * guess:.3f}; a guess among the classes "
        f"has {guess:.3f} nats). Median (least to greatest), in whole epochs, over the runs that left it. A run that "
        "left it learned: their number, and the share in % [exact 95 % interval], an outcome of its own, since runs "
        "that don't learn wreck means and t intervals. Seeds to look at end with a test top-1 beyond 3 scaled median "
        "absolute deviations (from 5 seeds on); none is left out for it. The loss, which tells apart variants that "
        "leave it in the same epoch, is a mean [95 % t interval] over n seeds."
    )
    return table("plateau", caption, rows, display)


def odd_seeds(collection: Collection, variant: str) -> list[int]:
    """Return the seeds whose last test top-1 is beyond 3 scaled median absolute deviations of their variant's."""
    values = collection.values.of(variant, "evaluations.intact.top1")
    seeds = list(values)
    return [seeds[index] for index in flagged(list(values.values()))]


def _learned_text(learned: LearnedShare) -> str:
    low, high = 100 * learned.interval.low, 100 * learned.interval.high
    return f"{learned.learned} of {learned.n}: {100 * learned.value:.0f} [{low:.1f}, {high:.1f}]"


def _prefixed(losses: Sequence[float]) -> Row:
    found = over_seeds(measure("evaluations.intact.loss"), losses).row
    return {f"first_test_loss_{name}": value for name, value in found.items() if name != "n"}


def _rows(collection: Collection) -> list[Row]:
    """Return every epoch of every run, a row each."""
    return [
        {"variant": run.variant, "seed": run.seed, **dataclasses.asdict(record)}
        for run in collection.runs
        for record in run.epochs
    ]
