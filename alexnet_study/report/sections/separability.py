"""How well a linear regressor tells the classes apart at each depth."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import (
    NARROW,
    PERCENT,
    WIDE,
    Picture,
    Point,
    look,
    names,
    panels_of,
    picture,
    small_multiples,
    within,
)
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, estimate_text, group_name, heading, mean_of, over_seeds
from alexnet_study.study.configs import BRANCHES, CONV_NAMES

TOP1 = "evaluations.intact.top1"


def section(material: Material) -> Section | None:
    """Return the linear regressors' top-1 against depth; None where the study measures none."""
    if not stages(material.collection):
        return None
    items = (draw(material), tabulate(material.collection))
    return Section(name="separability", title="Separability against depth", items=items)


def draw(material: Material) -> Picture:
    """Draw test top-1 of the closed-form linear regressor at each stage."""
    collection = material.collection
    depth = [stage for stage in stages(collection) if stage not in BRANCHES.values()]
    panels = panels_of(collection)
    wide, narrow = (small_multiples(len(panels), width) for width in (WIDE, NARROW))
    points: list[Point] = []
    for figure in (narrow, wide):
        drawn = [_curves(axes, collection, own, depth) for axes, own in zip(figure.axes, panels, strict=True)]
        points = [point for own in drawn for point in own]
    rows = [
        {"variant": variant, "evaluation": evaluation, "stage": stage, **over_seeds(measure(TOP1), values).row}
        for variant, evaluation in collection.evaluations
        for stage in depth
        if (values := stage_values(collection, variant, evaluation, stage))
    ]
    caption = (
        "Linear separability against depth: closed-form linear regressor on each block's output after its pool, "
        "averaged down to 4×4; mean and 95 % t interval (logit scale) over n seeds."
    )
    alt = f"Linear separability against depth of {names(collection)}, mean over seeds."
    data = pd.DataFrame(rows)
    return picture(wide, "separability", caption=caption, alt=alt, data=data, narrow=narrow, points=points)


def _curves(axes: Axes, collection: Collection, groups: Sequence[tuple[str, str]], depth: Sequence[str]) -> list[Point]:
    """Draw the means and intervals of each evaluation; return the means."""
    points = []
    for variant, evaluation in groups:
        found = {stage: stage_values(collection, variant, evaluation, stage) for stage in depth}
        known = {stage: over_seeds(measure(TOP1), values) for stage, values in found.items() if values}
        places = [depth.index(stage) for stage in known]
        text = f"{group_name(variant, evaluation)} (n = {len(collection.of(variant))})"
        style = look(collection, variant, evaluation)
        axes.plot(places, [100 * row.mean for row in known.values()], markersize=4, label=text, **style)
        for place, (stage, row) in zip(places, known.items(), strict=True):
            text = f"{group_name(variant, evaluation)}, {stage}: {100 * row.mean:.2f} %"
            points.append(Point(axes, place, 100 * row.mean, text))
            if row.low is not None and row.high is not None:
                axes.plot([place] * 2, [100 * row.low, 100 * row.high], color=style["color"], linewidth=1)
    axes.set(xticks=range(len(depth)), ylabel="linear regressor, test top-1, %")
    axes.set_xticklabels(depth)
    within(axes, y=PERCENT)
    axes.label_outer()
    axes.legend(loc="best", frameon=False, fontsize=8)
    return points


def tabulate(collection: Collection) -> Table:
    """Return top-1 of the closed-form linear regressor at every stage."""
    rows, display = [], []
    for stage in stages(collection):
        cells: Row = {"stage": stage}
        for variant, evaluation in collection.evaluations:
            values = stage_values(collection, variant, evaluation, stage)
            if values:
                at = {"variant": variant, "evaluation": evaluation, "stage": stage}
                rows.append({**at, **over_seeds(measure(TOP1), values).row})
            own = measure(TOP1)
            cells[heading(collection, variant, evaluation)] = estimate_text(own, mean_of(values))
        display.append(cells)
    caption = (
        "Linear separability against depth: test top-1, %, of the closed-form linear regressor on each stage, "
        "averaged down to 4×4; mean [95 % t interval, logit scale] over n seeds."
    )
    return table("separability", caption, rows, display)


def stages(collection: Collection) -> list[str]:
    """Return all stages of all variants, in the order of depth."""
    known = [stage for name in CONV_NAMES for stage in (BRANCHES[name], name)]
    return [
        stage
        for stage in known
        if any(stage_values(collection, variant, evaluation, stage) for variant, evaluation in collection.evaluations)
    ]


def stage_values(collection: Collection, variant: str, evaluation: str, stage: str) -> list[float]:
    """Return top-1 of a stage's regressor in each run; empty where the variant has no such stage."""
    metric = f"linear_regressor.{evaluation}.by_stage.{stage}.top1"
    return list(collection.values.of(variant, metric).values()) if collection.values.has(variant, metric) else []
