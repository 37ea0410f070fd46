"""Calibration: accuracy against confidence."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from alexnet_study.report.collection import Collection
from alexnet_study.report.findings import Findings
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import (
    GREY,
    NARROW,
    WIDE,
    Picture,
    Point,
    look,
    names,
    panels_of,
    picture,
    small_multiples,
)
from alexnet_study.report.rendering.section import ABSENT, Section, from_arrays
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, group_name, heading
from alexnet_study.runs.records import CALIBRATION_BINS

LEAST_SHARE = 0.001  # of the test images: an emptier bin's accuracy is not drawn


def section(material: Material) -> Section:
    """Return what the arrays say of the calibration."""
    findings, name, title = material.findings, "calibration", "Calibration"
    if findings is None:
        return Section(name=name, title=title, text=(ABSENT,))
    items = (draw(material, findings), tabulate(material.collection, findings))
    return from_arrays(name, title, items, kept=material.kept)


def draw(material: Material, findings: Findings) -> Picture:
    """Draw accuracy against confidence."""
    collection = material.collection
    panels = panels_of(collection)
    wide, narrow = (small_multiples(len(panels), width) for width in (WIDE, NARROW))
    points: list[Point] = []
    for figure in (narrow, wide):
        drawn = [_diagram(axes, collection, own, findings) for axes, own in zip(figure.axes, panels, strict=True)]
        points = [point for own in drawn for point in own]
    caption = (
        f"Calibration: accuracy against the largest predicted probability in {CALIBRATION_BINS} equal bins, the test "
        f"images of n seeds pooled; bins with less than {100 * LEAST_SHARE:g} % of them are not drawn. "
        "Under the grey line: overconfident."
    )
    alt = f"Reliability diagram of {names(collection)}."
    data = pd.DataFrame([asdict(row) for row in findings.numbers.calibration])
    single = narrow if len(panels) == 1 else None  # of several the page's first column fills a phone
    more: Any = {"data": data, "data_in": "tables/calibration.csv", "kept": material.kept, "narrow": single}
    return picture(wide, "calibration", caption=caption, alt=alt, points=points, **more)


def _diagram(axes: Axes, collection: Collection, groups: Sequence[tuple[str, str]], findings: Findings) -> list[Point]:
    """Draw each evaluation's accuracy by its confidence; return the bins."""
    points = []
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle=":", label="perfect")
    for variant, evaluation in groups:
        drawn = [
            (100 * row.confidence, 100 * row.accuracy)
            for row in findings.numbers.calibration
            if (row.variant, row.evaluation) == (variant, evaluation) and row.share >= LEAST_SHARE
            if row.confidence is not None and row.accuracy is not None
        ]
        text = f"{group_name(variant, evaluation)} (n = {len(collection.of(variant))})"
        confidence, accuracy = [own[0] for own in drawn], [own[1] for own in drawn]
        axes.plot(confidence, accuracy, markersize=4, label=text, **look(collection, variant, evaluation))
        name = group_name(variant, evaluation)
        points += [Point(axes, x, y, f"{name}: confidence {x:.1f} %, accuracy {y:.1f} %") for x, y in drawn]
    axes.set(xlabel="confidence, %", ylabel="accuracy, %", xlim=(0, 100), ylim=(0, 100))
    axes.label_outer()
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    return points


def tabulate(collection: Collection, findings: Findings) -> Table:
    """Return confidence and accuracy in bins of confidence."""
    display = []
    frame = findings.numbers.calibration
    for number in sorted({row.bin for row in frame}):
        cells: Row = {"confidence": f"{(number - 1) / CALIBRATION_BINS:.2f} to {number / CALIBRATION_BINS:.2f}"}
        for row in (row for row in frame if row.bin == number):
            shown = "–" if row.accuracy is None else f"{100 * row.accuracy:.1f} ({100 * row.share:.1f})"
            cells[heading(collection, row.variant, row.evaluation)] = shown
        display.append(cells)
    caption = (
        "Calibration: accuracy, %, of the test images of each confidence, and in brackets their share, %; the "
        "test images of n seeds pooled."
    )
    return table("calibration", caption, map(asdict, frame), display)
