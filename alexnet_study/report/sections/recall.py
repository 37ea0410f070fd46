"""Recall of each class, and which classes' differences stand."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.contrasts import RECALLS, class_differences
from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import NARROW, WIDE, Picture, Point, look, names, panels_of, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import (
    OverSeeds,
    Row,
    estimate_text,
    group_name,
    heading,
    mean_of,
    over_seeds,
    p_text,
)
from alexnet_study.report.statistics.classes import class_advantages
from alexnet_study.report.statistics.estimates import Array
from alexnet_study.report.statistics.looks import ALPHA
from alexnet_study.report.statistics.resampling import max_t
from alexnet_study.study.metrics import class_metric

MOST_DRAWN = 24  # classes: of more, the best and the worst


def section(material: Material) -> Section:
    """Return the recalls, drawn and in a table."""
    items = (draw(material), tabulate(material.collection))
    return Section(name="recall", title="Recall of each class", items=items)


def draw(material: Material) -> Picture:
    """Draw the recall of each class with intervals and published figures; mark classes whose differences stand."""
    collection = material.collection
    shown = drawn_classes(collection)
    panels = panels_of(collection)
    wide = Figure(figsize=(WIDE, 0.9 + 2.1 * len(panels)))
    narrow = Figure(figsize=(NARROW, 0.9 + (0.5 + (0.1 + 0.1 * len(panels[0])) * len(shown)) * len(panels)))
    points: list[Point] = []
    for figure in (narrow, wide):
        found = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        drawn = [
            _panel(axes, material, groups, shown, upright=figure is wide)
            for axes, groups in zip(found, panels, strict=True)
        ]
        points = [point for own in drawn for point in own]
    caption = (
        "Recall of each class: mean and 95 % t interval (logit scale) over n seeds; hollow and dotted is lesioned, "
        "crosses are published. * the intact recalls of a later variant and the first differ (the gain itself, not "
        "what exceeds the mean gain), jointly over all classes (sign-flip max-T, p < 0.05)."
    )
    if len(shown) < len(collection.classes):
        caption += f" Drawn are the {len(shown)} classes of the highest and the lowest mean; the table has all."
    alt = f"Recall of each class of {names(collection)}, with intervals."
    more: Any = {"data": tabulate(collection).tidy, "data_in": "tables/recall.csv", "narrow": narrow}
    return picture(wide, "recall", caption=caption, alt=alt, points=points, **more)


def drawn_classes(collection: Collection) -> list[str]:
    """Return all classes or, of many, those of the highest and the lowest intact recall, mean over all runs."""
    if len(collection.classes) <= MOST_DRAWN:
        return collection.classes
    means: dict[str, float] = {}
    for name in collection.classes:
        path = f"{RECALLS}.{name}"
        values = [v for variant in collection.variants for v in collection.values.of(variant, path).values()]
        if values:
            means[name] = sum(values) / len(values)
    ranked = sorted(means, key=lambda name: -means[name])
    return [*ranked[: MOST_DRAWN // 2], *ranked[-(MOST_DRAWN // 2) :]]


def _panel(
    axes: Axes, material: Material, groups: Sequence[tuple[str, str]], shown: Sequence[str], *, upright: bool
) -> list[Point]:
    """Draw some groups' recalls, recall upward or, on a phone, to the right; return the points."""
    collection, points = material.collection, []
    crosses = _published_recalls(material)
    for index, (variant, evaluation) in enumerate(groups):
        shift = (index - (len(groups) - 1) / 2) * 0.7 / len(groups)
        style = look(collection, variant, evaluation)
        label: str | None = heading(collection, variant, evaluation)
        for place, name in enumerate(shown):
            row = _recall(collection, variant, evaluation, name)
            if row is None:
                continue
            at, own = place + shift, 100 * row.mean
            low, high = (row.low, row.high) if row.low is not None and row.high is not None else (row.mean, row.mean)
            lines: Any = {"color": style["color"], "linewidth": 1.5, "linestyle": style["linestyle"]}
            axes.plot(*_turned([at] * 2, [100 * low, 100 * high], upright=upright), **lines)
            x, y = _turned(at, own, upright=upright)
            axes.plot(x, y, markersize=5, label=label, **{**style, "linestyle": "none"})
            points.append(Point(axes, x, y, f"{name}, {group_name(variant, evaluation)}: {own:.2f} %"))
            label = None
            if evaluation == "intact" and (variant, name) in crosses:
                cross = _turned(at - 0.06, 100 * crosses[variant, name], upright=upright)
                axes.plot(*cross, marker="x", markersize=6, color=style["color"], linestyle="none")
    _name_classes(axes, collection, shown, upright=upright)
    return points


def _turned(at: Any, value: Any, *, upright: bool) -> tuple[Any, Any]:
    return (at, value) if upright else (value, at)


def _name_classes(axes: Axes, collection: Collection, shown: Sequence[str], *, upright: bool) -> None:
    distinct = _distinct(collection)
    texts = [f"{name}*" if name in distinct else name for name in shown]
    if upright:
        axes.set(xticks=range(len(shown)), ylabel="recall, %", ylim=(-3, 103))
        axes.set_xticklabels(texts, rotation=20 if len(shown) <= 12 else 60, ha="right", rotation_mode="anchor")
    else:
        axes.set(yticks=range(len(shown)), xlabel="recall, %", xlim=(-3, 103), ylim=(len(shown) - 0.5, -0.5))
        axes.set_yticklabels(texts)
    axes.label_outer()
    above: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "frameon": False}
    axes.legend(fontsize=8, ncols=3 if upright else 1, **above)


def _recall(collection: Collection, variant: str, evaluation: str, name: str) -> OverSeeds | None:
    values = list(collection.values.of(variant, f"{RECALLS}.{name}", evaluation).values())
    return over_seeds(measure(f"{RECALLS}.{name}"), values) if values else None


def _published_recalls(material: Material) -> dict[tuple[str, str], float]:
    """Return the published recalls, by variant and class."""
    found: dict[tuple[str, str], float] = {}
    for check in material.published_figures:
        own = class_metric(check.metric)
        if own is not None and own.parent == RECALLS:
            found[check.variant, own.name] = check.published
    return found


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
