"""Recall of each class, and which classes' differences stand."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.contrasts import RECALLS, class_differences
from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import Picture, colour, marker, names, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, estimate_text, group_name, heading, mean_of, over_seeds, p_text
from alexnet_study.report.statistics.classes import class_advantages
from alexnet_study.report.statistics.estimates import Array
from alexnet_study.report.statistics.looks import ALPHA
from alexnet_study.report.statistics.resampling import max_t
from alexnet_study.study.metrics import class_metric


def section(material: Material) -> Section:
    """Return the recalls, drawn and in a table."""
    items = (draw(material), tabulate(material.collection))
    return Section(name="recall", title="Recall of each class", items=items)


def draw(material: Material) -> Picture:
    """Draw the recall of each class with intervals and published figures; mark classes whose differences stand."""
    collection = material.collection
    groups, classes = collection.evaluations, collection.classes
    figure = Figure(figsize=(9, 3.8))
    axes = figure.subplots()
    rows: list[Row] = []
    for index, (variant, evaluation) in enumerate(groups):
        own, shift = colour(collection, variant), (index - (len(groups) - 1) / 2) * 0.7 / len(groups)
        for place, name in enumerate(classes):
            values = list(collection.values.of(variant, f"evaluations.intact.recall.{name}", evaluation).values())
            if not values:
                continue
            row = over_seeds(measure(f"evaluations.intact.recall.{name}"), values)
            rows.append({"variant": variant, "evaluation": evaluation, "class": name, **row.row})
            low, high = (row.low, row.high) if row.low is not None and row.high is not None else (row.mean, row.mean)
            style = "-" if evaluation == "intact" else ":"
            axes.plot([place + shift] * 2, [100 * low, 100 * high], color=own, linewidth=1.5, linestyle=style)
            face = own if evaluation == "intact" else "none"
            axes.plot(
                place + shift,
                100 * row.mean,
                marker=marker(collection, variant),
                color=own,
                markerfacecolor=face,
                markersize=5,
                linestyle="none",
                label=f"{group_name(variant, evaluation)} (n = {len(values)})" if place == 0 else None,
            )
    _published_recalls(axes, material)
    axes.set(xticks=range(len(classes)), ylabel="recall, %", ylim=(-3, 103))
    axes.set_xticklabels([f"{name}*" if name in _distinct(collection) else name for name in classes], rotation=20)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    caption = (
        "Recall of each class: mean and 95 % t interval (logit scale) over n seeds; crosses are published. * the "
        "intact recalls of a later variant and the first differ (the gain itself, not what exceeds the mean gain), "
        "jointly over all classes (sign-flip max-T, p < 0.05)."
    )
    alt = f"Recall of each class of {names(collection)}, with intervals."
    data = pd.DataFrame(rows)
    return picture(figure, "recall", caption=caption, alt=alt, data=data, data_in="tables/recall.csv")


def _published_recalls(axes: Axes, material: Material) -> None:
    collection = material.collection
    groups = collection.evaluations
    seen = set()
    for check in material.published_figures:
        own = class_metric(check.metric)
        if own is not None and own.parent == RECALLS and own.name in collection.classes:
            shift = (groups.index((check.variant, "intact")) - (len(groups) - 1) / 2) * 0.7 / len(groups)
            text = None if check.variant in seen else f"{check.variant}, published (n = 1)"
            seen.add(check.variant)
            axes.plot(
                collection.classes.index(own.name) + shift - 0.06,
                100 * check.published,
                marker="x",
                markersize=6,
                color=colour(collection, check.variant),
                linestyle="none",
                label=text,
            )


def _distinct(collection: Collection) -> set[str]:
    """Return classes whose recall differs between the first variant and a later one."""
    first, *others = collection.variants
    found: set[str] = set()
    for other in others:
        differences = class_differences(collection, {other: 1.0, first: -1.0}, "evaluations.intact.recall")
        if len(differences) > 1:
            p_values = max_t(differences)
            found |= {name for name, p in zip(collection.classes, p_values, strict=True) if p < ALPHA}
    return found


def tabulate(collection: Collection) -> Table:
    """Return recall of each class; for later variants, the gain over the first and what exceeds the mean gain."""
    first, *others = collection.variants
    parent = "evaluations.intact.recall"
    gains = {other: class_differences(collection, {other: 1.0, first: -1.0}, parent) for other in others}
    rows, display = [], []
    for index, name in enumerate(collection.classes):
        path = f"{parent}.{name}"
        cells: Row = {"class": name}
        for variant, evaluation in collection.evaluations:
            values = list(collection.values.of(variant, path, evaluation).values())
            estimate = mean_of(values)
            if estimate:
                at = {"variant": variant, "evaluation": evaluation, "class": name}
                rows.append({**at, **over_seeds(measure(path), values).row})
            cells[heading(collection, variant, evaluation)] = estimate_text(measure(path), estimate)
        for other, differences in gains.items():
            cells |= _gain_cells(f"{other} − {first}", differences, index, path)
        display.append(cells)
    caption = (
        "Recall of each class on the test set, %: mean [95 % t interval, logit scale] over n seeds. Gain: the "
        "difference of intact recalls, in points, a description; its p is that of no gain. Beyond the mean gain: the "
        "gain less the run's mean gain over all classes; its p is that of a gain equal to the mean, and by it a claim "
        "of better on some classes is judged. Each p is two-sided and adjusted over all classes by joint sign flips "
        "(max-T)."
    )
    return table("recall", caption, rows, display)


def _gain_cells(pair: str, differences: Array, index: int, path: str) -> Row:
    """Return a class's gain and what exceeds the mean gain, each with its p over all classes; – of one seed."""
    found = class_advantages(differences)
    gain = beyond = "–"
    if found is not None:
        gain, beyond = (
            f"{measure(path).show(value, difference=True)}, p {p_text(p)}"
            for value, p in (
                (found.gains[index], max_t(differences)[index]),
                (found.beyond[index], found.p[index]),
            )
        )
    n = len(differences)
    return {f"gain, {pair} (n = {n})": gain, f"beyond the mean gain, {pair} (n = {n})": beyond}
