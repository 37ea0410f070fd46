"""Of a factorial: the skip's advantage in each condition, and how it differs from that in the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.contrasts import Contrast, compare
from alexnet_study.report.collection import Collection
from alexnet_study.report.factorial import pairs
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import (
    GREY,
    INK,
    NARROW,
    PERCENT,
    POINTS,
    WIDE,
    Picture,
    Point,
    line,
    picture,
    within,
)
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, estimate_columns, estimate_text, p_text
from alexnet_study.report.statistics import estimates

TOP1 = "evaluations.intact.top1"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The two variants of a condition, named by the one without a skip.

    advantage: of test top-1, paired by seed. beyond_first: that less the advantage in the first condition, from the
    seeds of both. first: the advantage in the first condition, of these seeds alone.
    """

    skipped: str
    plain: str
    advantage: Contrast
    beyond_first: Contrast | None
    first: Contrast | None


def section(material: Material) -> Section | None:
    """Return the advantage by condition; None for a study that isn't a factorial of skips."""
    found = conditions(material.collection)
    if len(found) < 2:
        return None
    items = (draw(material.collection, found), tabulate(material.collection, found))
    return Section(name="advantage", title="The skip's advantage by condition", items=items)


def conditions(collection: Collection) -> list[Condition]:
    """Return the conditions in which both variants have runs, in the study's order."""
    values = {variant: collection.values.of(variant, TOP1) for variant in collection.variants}
    made: list[Condition] = []
    for skipped, plain in pairs(collection):
        weights = {skipped: 1.0, plain: -1.0}
        advantage = compare(weights, values)
        if advantage is None:
            continue
        beyond, first = _beside_first(weights, made[0], values) if made else (None, None)
        made.append(Condition(skipped=skipped, plain=plain, advantage=advantage, beyond_first=beyond, first=first))
    return made


def _beside_first(
    weights: Mapping[str, float], first: Condition, values: Mapping[str, Mapping[int, float]]
) -> tuple[Contrast | None, Contrast | None]:
    """Return an advantage less the first condition's, and the first's of the same seeds alone: like with like."""
    own = {first.skipped: 1.0, first.plain: -1.0}
    common = set.intersection(*(set(values[variant]) for variant in (*weights, *own)))
    same = {variant: {seed: found[seed] for seed in found if seed in common} for variant, found in values.items()}
    return compare({**weights, first.skipped: -1.0, first.plain: 1.0}, values), compare(own, same)


def draw(collection: Collection, found: Sequence[Condition]) -> Picture:
    """Draw test top-1 without and with a skip, and the advantage, against the condition."""
    wide, narrow = Figure(figsize=(WIDE, 3.2)), Figure(figsize=(NARROW, 6.0))
    points: list[Point] = []
    for figure, axes in ((narrow, narrow.subplots(2, 1)), (wide, wide.subplots(1, 2))):
        points = _levels(axes[0], collection, found) + _advantages(axes[1], found)
        handles = [own for own in axes[0].lines if own.get_label() in ("without a skip", "with a skip")]
        figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    caption = (
        "The skip's advantage by condition. Left, or above: test top-1, mean and 95 % t interval (logit scale) over "
        "seeds. Right, or below: with a skip less without, paired by seed: each seed (dots), mean and 95 % t interval; "
        "lines that aren't parallel at the left are advantages that differ at the right. Conditions are named by their "
        "variant without a skip."
    )
    own = measure(TOP1)
    texts = [f"{it.plain} {estimate_text(own, it.advantage.estimate, difference=True)}" for it in found]
    alt = f"Interaction plot: the skip's advantage in test top-1, points: {'; '.join(texts)}."
    rows = [
        {"condition": it.plain, "seed": seed, "advantage": value}
        for it in found
        for seed, value in it.advantage.by_seed.items()
    ]
    more: Any = {"data": pd.DataFrame(rows), "narrow": narrow, "points": points}
    return picture(wide, "advantage", caption=caption, alt=alt, **more)


def tabulate(collection: Collection, found: Sequence[Condition]) -> Table:
    """Return top-1 without and with a skip, the advantage, and that less the first condition's."""
    own = measure(TOP1)
    rows, display = [], []
    for it in found:
        levels = {
            name: estimates.mean(list(collection.values.of(name, TOP1).values())) for name in (it.plain, it.skipped)
        }
        beyond = it.beyond_first.estimate if it.beyond_first else None
        row: Row = {"condition": it.plain, "variant": it.skipped, **estimate_columns(it.advantage.estimate)}
        if beyond:
            row |= {f"beyond_first_{name}": value for name, value in estimate_columns(beyond).items()}
        if it.first:
            row |= {f"first_{name}": value for name, value in estimate_columns(it.first.estimate).items()}
        same = it.first.estimate if it.first else None
        rows.append(row)
        display.append(
            {
                "condition": it.plain,
                "without a skip, %": estimate_text(own, levels[it.plain]),
                "with a skip, %": estimate_text(own, levels[it.skipped]),
                "advantage, points": estimate_text(own, it.advantage.estimate, difference=True),
                "p": p_text(it.advantage.estimate.p_value()),
                f"that of {found[0].plain}, same seeds, points": estimate_text(own, same, difference=True),
                f"less that of {found[0].plain}, points": estimate_text(own, beyond, difference=True),
                "p of that": p_text(beyond.p_value()) if beyond else "–",
                "n": it.advantage.estimate.n,
            }
        )
    caption = (
        "Test top-1 by condition: mean [95 % t interval]; the advantage, paired by seed, that of the first condition "
        "with the same n seeds, and the difference of the two (the interaction). One p at a time; only those of the "
        "claims are corrected for their number."
    )
    return table("advantage", caption, rows, display)


def _levels(axes: Axes, collection: Collection, found: Sequence[Condition]) -> list[Point]:
    """Draw the variants' means and intervals; return the means."""
    own, points = measure(TOP1), []
    for shift, text, names in (
        (-0.06, "without a skip", [it.plain for it in found]),
        (0.06, "with a skip", [it.skipped for it in found]),
    ):
        samples = [list(collection.values.of(name, TOP1).values()) for name in names]
        places = np.arange(len(names)) + shift
        style = line(collection, names[0])
        face = INK if style == "-" else "white"
        means = [estimates.mean(sample) for sample in samples]
        heights = [100 * mean.value for mean in means]
        axes.plot(
            places, heights, color=INK, linestyle=style, marker="o", markerfacecolor=face, label=text, markersize=5
        )
        for place, height, name, mean in zip(places, heights, names, means, strict=True):
            points.append(Point(axes, place, height, f"{name}: {estimate_text(own, mean)} %"))
            if interval := own.interval(mean):
                axes.plot([place] * 2, [100 * interval.low, 100 * interval.high], color=INK, linewidth=1.2)
    _name(axes, found, "test top-1, %")
    within(axes, y=PERCENT)
    return points


def _advantages(axes: Axes, found: Sequence[Condition]) -> list[Point]:
    """Draw each seed's advantage, the mean and its interval; return the means."""
    points = []
    axes.axhline(0, color=INK, linewidth=0.8)
    for place, it in enumerate(found):
        values = 100 * np.array(it.advantage.values)
        dots: Any = {"color": GREY, "alpha": 0.7, "linewidths": 0, "s": 14}
        axes.scatter(place + 0.2 + 0.06 * np.sin(2.4 * np.arange(len(values))), values, **dots)
        if interval := it.advantage.estimate.interval():
            axes.plot([place] * 2, [100 * interval.low, 100 * interval.high], color=INK, linewidth=1.8)
        height = 100 * it.advantage.estimate.value
        axes.plot(place, height, marker="o", color=INK, markersize=6)
        text = estimate_text(measure(TOP1), it.advantage.estimate, difference=True)
        points.append(Point(axes, place, height, f"{it.skipped} less {it.plain}: {text} points"))
    _name(axes, found, "with less without, points")
    within(axes, y=POINTS)
    return points


def _name(axes: Axes, found: Sequence[Condition], text: str) -> None:
    axes.set(ylabel=text, xticks=range(len(found)), xlim=(-0.5, len(found) - 0.4))
    axes.set_xticklabels([it.plain for it in found])
