"""Figures of the runs' summaries: accuracy, learning curves, recall, separability."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alexnet_study.report.analysis import Analysis
from alexnet_study.report.collect import Collection
from alexnet_study.report.drawing import GREY, Picture, colour, line, marker, names, picture, title
from alexnet_study.report.measures import PLATEAU
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.resampling import max_t
from alexnet_study.report.tables import over_seeds, stage_values, stages
from alexnet_study.report.verdicts import ALPHA, class_differences
from alexnet_study.study.configs import BRANCHES

TOP1 = "evaluations.intact.top1"
LINES = 20  # above this many runs a variant's curves are drawn as a band alone


def accuracy(analysis: Analysis) -> Picture:
    """Test top-1 of every run, with mean, intervals and the published figures."""
    collection = analysis.collection
    groups = collection.evaluations
    figure = Figure(figsize=(7, 0.8 + 0.45 * len(groups)))
    axes = figure.subplots()
    rows = []
    for place, (variant, evaluation) in enumerate(groups):
        values = 100 * np.array(list(collection.figures(variant, TOP1, evaluation).values()))
        own: Any = {"color": colour(collection, variant)}
        _strip(axes, values, place, marker=marker(collection, variant), hollow=evaluation != "intact", **own)
        estimate = estimates.mean(values)
        if interval := estimate.interval():
            axes.plot([interval.low, interval.high], [place - 0.28] * 2, linewidth=3, solid_capstyle="butt", **own)
        rows += [{"variant": variant, "evaluation": evaluation, "top1": value / 100} for value in values]
    for check in analysis.figures:
        if check.metric == TOP1:
            place = groups.index((check.variant, "intact"))
            axes.plot(100 * check.published, place + 0.3, "k", marker="v", markersize=7)
            axes.annotate(
                f"published {100 * check.published:.2f}",
                (100 * check.published, place + 0.3),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
    axes.set(yticks=range(len(groups)), xlabel="test top-1, %", ylim=(len(groups) - 0.4, -0.6))
    axes.set_yticklabels([f"{title(*group)} (n = {len(collection.of(group[0]))})" for group in groups])
    caption = "Test top-1 of every run (dots), 95 % t interval of the mean (bars above them), published figures (▼)."
    return picture(
        figure,
        "accuracy",
        caption=caption,
        alt=f"Test top-1 of each run of {names(collection)}.",
        data=pd.DataFrame(rows),
    )


def _strip(
    axes: Axes, values: Sequence[float] | np.ndarray[Any, Any], place: float, *, hollow: bool, **style: Any
) -> None:
    """One dot a run, spread a little so that equal ones show."""
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


def learning_curves(analysis: Analysis) -> Picture:
    """Test top-1 and the losses against the epoch."""
    collection = analysis.collection
    panels = (
        ("test_top1", "test top-1, %", 100.0),
        ("train_loss", "training loss (running), nats", 1.0),
        ("test_loss", "test loss, nats", 1.0),
    )
    figure = Figure(figsize=(10, 3.4))
    for axes, (metric, text, scale) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for variant in collection.variants:
            _curve(axes, collection, variant, metric, scale)
        if metric == "test_loss":
            guess = math.log(len(collection.classes))
            label = f"plateau: {100 * PLATEAU:g} % of ln C"
            axes.axhline(PLATEAU * guess, color=GREY, linewidth=0.8, linestyle=":", label=label)
        axes.set(xlabel="epochs trained", ylabel=text)
        _count_epochs(axes, collection)
    figure.legend(*figure.axes[-1].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    rows = [{"variant": run.variant, "seed": run.seed, **record} for run in collection.runs for record in run.metrics]
    caption = (
        "Learning curves: mean over n seeds (marked line), its 95 % t interval (band), and each run (thin lines, "
        f"up to {LINES} a variant). The plateau is left under the dotted line."
    )
    alt = f"Learning curves of {names(collection)}: test top-1, training loss, test loss."
    return picture(figure, "learning_curves", caption=caption, alt=alt, data=pd.DataFrame(rows))


def _count_epochs(axes: Axes, collection: Collection) -> None:
    """Whole epochs; on a logarithmic scale where variants train for different times, so that all starts can be read."""
    lengths = {len(run.metrics) for run in collection.runs}
    if len(lengths) == 1:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return
    ticks = [count for count in (1, 2, 5, 10, 20, 50, 100, 200, 500) if count <= max(lengths)]
    axes.set_xscale("log")
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()


def _curve(axes: Axes, collection: Collection, variant: str, metric: str, scale: float) -> None:
    runs = collection.of(variant)
    epochs = np.arange(len(runs[0].metrics)) + 1
    values = scale * np.array([[record[metric] for record in run.metrics] for run in runs])  # (n, epochs)
    own = colour(collection, variant)
    if len(runs) <= LINES:
        axes.plot(epochs, values.T, color=own, linewidth=0.5, alpha=0.4)
    intervals = [estimates.mean(column).interval() for column in values.T]
    band = [(i.low, i.high) if i else (np.nan, np.nan) for i in intervals]
    axes.fill_between(epochs, *np.transpose(band), color=own, alpha=0.2, linewidth=0)
    label = f"{variant} (n = {len(runs)})"
    style: Any = {"color": own, "marker": marker(collection, variant), "linestyle": line(collection, variant)}
    axes.plot(epochs, values.mean(0), markersize=4, label=label, **style)


def recall(analysis: Analysis) -> Picture:
    """Recall of each class with intervals, published figures, and the classes whose differences stand."""
    collection = analysis.collection
    groups, classes = collection.evaluations, collection.classes
    figure = Figure(figsize=(9, 3.8))
    axes = figure.subplots()
    rows: list[dict[str, Any]] = []
    for index, (variant, evaluation) in enumerate(groups):
        own, shift = colour(collection, variant), (index - (len(groups) - 1) / 2) * 0.7 / len(groups)
        for place, name in enumerate(classes):
            values = list(collection.figures(variant, f"evaluations.intact.recall.{name}", evaluation).values())
            if not values:
                continue
            row = over_seeds(values)
            rows.append({"variant": variant, "evaluation": evaluation, "class": name, **row})
            low, high = (row["low"], row["high"]) if row["low"] is not None else (row["mean"], row["mean"])
            style = "-" if evaluation == "intact" else ":"
            axes.plot([place + shift] * 2, [100 * low, 100 * high], color=own, linewidth=1.5, linestyle=style)
            face = own if evaluation == "intact" else "none"
            axes.plot(
                place + shift,
                100 * row["mean"],
                marker=marker(collection, variant),
                color=own,
                markerfacecolor=face,
                markersize=5,
                linestyle="none",
                label=f"{title(variant, evaluation)} (n = {len(values)})" if place == 0 else None,
            )
    _published_recalls(axes, analysis)
    axes.set(xticks=range(len(classes)), ylabel="recall, %", ylim=(-3, 103))
    axes.set_xticklabels([f"{name}*" if name in _distinct(collection) else name for name in classes], rotation=20)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    caption = (
        "Recall of each class: mean and 95 % t interval over n seeds; crosses are published. * the intact recalls "
        "of a later variant and the first differ, jointly over all classes (sign-flip max-T, p < 0.05)."
    )
    alt = f"Recall of each class of {names(collection)}, with intervals."
    return picture(figure, "recall", caption=caption, alt=alt, data=pd.DataFrame(rows))


def _published_recalls(axes: Axes, analysis: Analysis) -> None:
    collection = analysis.collection
    groups = collection.evaluations
    seen = set()
    for check in analysis.figures:
        parent, _, name = check.metric.rpartition(".")
        if parent == "evaluations.intact.recall" and name in collection.classes:
            shift = (groups.index((check.variant, "intact")) - (len(groups) - 1) / 2) * 0.7 / len(groups)
            text = None if check.variant in seen else f"{check.variant}, published (n = 1)"
            seen.add(check.variant)
            axes.plot(
                collection.classes.index(name) + shift - 0.06,
                100 * check.published,
                marker="x",
                markersize=6,
                color=colour(collection, check.variant),
                linestyle="none",
                label=text,
            )


def _distinct(collection: Collection) -> set[str]:
    """Classes whose recall differs between the first variant and a later one."""
    first, *others = collection.variants
    found: set[str] = set()
    for other in others:
        differences = class_differences(collection, {other: 1.0, first: -1.0}, "evaluations.intact.recall")
        if len(differences) > 1:
            p_values = max_t(differences)
            found |= {name for name, p in zip(collection.classes, p_values, strict=True) if p < ALPHA}
    return found


def separability(analysis: Analysis) -> Picture:
    """Test top-1 of the closed-form linear regressor at each stage."""
    collection = analysis.collection
    depth = [stage for stage in stages(collection) if stage not in BRANCHES.values()]
    figure = Figure(figsize=(8.5, 4.2))
    axes = figure.subplots()
    rows: list[dict[str, Any]] = []
    for variant, evaluation in collection.evaluations:
        found = {stage: stage_values(collection, variant, evaluation, stage) for stage in depth}
        figures = {stage: over_seeds(values) for stage, values in found.items() if values}
        rows += [{"variant": variant, "evaluation": evaluation, "stage": s, **row} for s, row in figures.items()]
        places = [depth.index(stage) for stage in figures]
        own = colour(collection, variant)
        axes.plot(
            places,
            [100 * row["mean"] for row in figures.values()],
            color=own,
            marker=marker(collection, variant),
            markersize=4,
            linestyle=line(collection, variant, evaluation),
            label=f"{title(variant, evaluation)} (n = {len(collection.of(variant))})",
        )
        for place, row in zip(places, figures.values(), strict=True):
            if row["low"] is not None:
                axes.plot([place] * 2, [100 * row["low"], 100 * row["high"]], color=own, linewidth=1)
    axes.set(xticks=range(len(depth)), ylabel="linear regressor, test top-1, %")
    axes.set_xticklabels(depth)
    figure.legend(loc="outside right center", frameon=False)
    caption = (
        "Linear separability against depth: closed-form linear regressor on each block's output after its pool, "
        "averaged down to 4×4; mean and 95 % t interval over n seeds."
    )
    alt = f"Linear separability against depth of {names(collection)}, mean over seeds."
    return picture(figure, "separability", caption=caption, alt=alt, data=pd.DataFrame(rows))
