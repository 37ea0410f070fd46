"""All claims in one figure: estimate, interval at the level of the verdict, the claimed side, the published figure."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.audit.verdicts import Verdict
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import (
    GREY,
    INK,
    NARROW,
    NO,
    PERCENT,
    POINTS,
    WIDE,
    YES,
    Picture,
    Point,
    clipped,
    picture,
)
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.text import Row, interval_text
from alexnet_study.report.statistics.estimates import LEAST_RUNS, Interval, can_not_tell

ROWS = {WIDE: 0.36, NARROW: 0.84}  # inches: of a claim
POSSIBLE = {"points": POINTS, "%": PERCENT}  # axes, by unit
BARE, BAND = 0.6, 0.26  # inches: of a panel without claims, of a claim's line
MARKS: dict[str, tuple[str, str, bool]] = {  # marker, colour, filled
    "supported": ("o", YES, True),
    "contradicted": ("X", NO, True),
    "not resolved": ("o", GREY, False),
    "interim": ("D", GREY, False),
}


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A claim as it is drawn, in the unit of its panel; interval: at the level of the verdict, None below three seeds.

    published: None where there is none, or where it is of another figure than the tested one.
    """

    verdict: Verdict
    unit: str
    scale: float
    value: float | None
    interval: Interval | None
    published: float | None


def section(material: Material) -> Section | None:
    """Return the figure of all claims; None where no claim has an estimate."""
    effects = [effect(verdict) for verdict in material.verdicts]
    if all(own.value is None for own in effects):
        return None
    return Section(name="at-a-glance", title="All claims at a glance", items=(draw(effects),))


def effect(verdict: Verdict) -> Effect:
    """Return how a claim is drawn: of a share in points or %, else in the measure's unit or under its name."""
    own, claim = verdict.measure, verdict.claim
    scale = 100.0 if own.proportion else 1.0
    estimate = verdict.estimate
    interval = estimate.interval(1 - verdict.level / max(verdict.classes, 1)) if estimate else None
    published = None if verdict.published is None or claim.over_classes else scale * verdict.published
    return Effect(
        verdict=verdict,
        unit=own.unit_of(difference=verdict.difference) or own.label,
        scale=scale,
        value=scale * estimate.value if estimate else None,
        interval=Interval(low=scale * interval.low, high=scale * interval.high) if interval else None,
        published=published,
    )


def draw(effects: Sequence[Effect]) -> Picture:
    """Draw the claims, a panel for each unit; in a narrow form too, where each claim's words stand above its line."""
    caption = (
        "All claims: estimate and t interval at the level of the verdict (over classes, at one class's share of it). "
        "The claimed side of zero, or of the margin (dashed), is shaded: a claim whose interval lies on it is "
        "supported. ● supported, ✗ contradicted, ○ not resolved, ◇ interim; ▼ published, with its value where it "
        "lies off the axis. A published figure of a claim over classes is of the gain itself, and is in the table."
    )
    alt = "Forest plot. " + " ".join(f"{_words(own)}: {_finding(own)}." for own in effects)
    (narrow, _), (wide, points) = (_figure(effects, width) for width in (NARROW, WIDE))
    data = pd.DataFrame([_row(own) for own in effects])
    return picture(wide, "claims_forest", caption=caption, alt=alt, data=data, narrow=narrow, points=points)


def _figure(effects: Sequence[Effect], width: float) -> tuple[Figure, list[Point]]:
    """Return the figure, a panel for each unit, and its points."""
    points: list[Point] = []
    units = list(dict.fromkeys(own.unit for own in effects))
    panels = [[own for own in effects if own.unit == unit] for unit in units]
    heights = [ROWS[width] * len(panel) + BARE for panel in panels]
    figure = Figure(figsize=(width, sum(heights)))
    found = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, unit, panel in zip(found, units, panels, strict=True):
        axes.set(xlim=_limits(panel), ylim=(len(panel) - 0.5, -0.5), xlabel=unit, yticks=range(len(panel)))
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        half = BAND / 2 / ROWS[width]
        for place, own in enumerate(panel):
            points += _line(axes, place + (0.45 - half if width == NARROW else 0.0), half, own)
        (_words_above if width == NARROW else _words_beside)(axes, panel)
    return figure, points


def _words_beside(axes: Axes, panel: Sequence[Effect]) -> None:
    axes.set_yticklabels([textwrap.fill(_words(own), 44) for own in panel], fontsize=8)
    for place, own in enumerate(panel):
        at: Any = {"xycoords": axes.get_yaxis_transform(), "va": "center", "fontsize": 8}
        axes.annotate(_finding(own), (1.02, place), **at)


def _words_above(axes: Axes, panel: Sequence[Effect]) -> None:
    axes.set_yticklabels([])
    for place, own in enumerate(panel):
        text = "\n".join([*textwrap.wrap(_words(own), 56), _finding(own)])
        at: Any = {"xycoords": axes.get_yaxis_transform(), "va": "bottom", "fontsize": 8, "linespacing": 1.0}
        axes.annotate(text, (0, place + 0.45 - BAND / ROWS[NARROW] - 0.02), **at)


def _line(axes: Axes, middle: float, half: float, own: Effect) -> list[Point]:
    """Draw a claim's line at `middle`, its claimed side as a band of `half` to both sides; return its points."""
    points = []
    claim, scale = own.verdict.claim, own.scale
    low, high = axes.get_xlim()
    null = scale * claim.null
    side = (null, high) if claim.sign > 0 else (low, null)
    axes.fill_betweenx([middle - half, middle + half], *side, color=GREY, alpha=0.15, linewidth=0)
    axes.plot([0] * 2, [middle - half, middle + half], color=INK, linewidth=0.9)
    if claim.below is not None:
        axes.plot([null] * 2, [middle - half, middle + half], color=INK, linewidth=1.2, linestyle=(0, (2, 1)))
    marker, shade, filled = MARKS[own.verdict.outcome]
    if own.interval:
        axes.plot([own.interval.low, own.interval.high], [middle] * 2, color=shade, linewidth=1.8)
    if own.value is not None:
        style: Any = {"markerfacecolor": shade if filled else "white", "markeredgecolor": shade, "linestyle": "none"}
        axes.plot(own.value, middle, marker=marker, markersize=7, **style)
        points.append(Point(axes, own.value, middle, f"{own.verdict.claim.label}: {_estimate_text(own)}"))
    if own.published is not None:
        points += _published(axes, own, middle - 0.7 * half)
    return points


def _estimate_text(own: Effect) -> str:
    """Return the estimate with its interval at the level of the verdict, and its unit."""
    assert own.value is not None
    measured, difference = own.verdict.measure, own.verdict.difference
    words = [measured.show(own.value / own.scale, difference=difference)]
    if own.interval:
        ends = Interval(low=own.interval.low / own.scale, high=own.interval.high / own.scale)
        words.append(interval_text(measured, ends, difference=difference))
    return " ".join([*words, measured.unit_of(difference=difference)]).rstrip()


def _published(axes: Axes, own: Effect, place: float) -> list[Point]:
    """Draw a published figure above its line, and return it; off the axis an arrow at its end, with the value."""
    assert own.published is not None
    low, high = axes.get_xlim()
    verdict = own.verdict
    text = verdict.measure.show(verdict.published, difference=verdict.difference)
    if low <= own.published <= high:
        axes.plot(own.published, place, marker="v", color=INK, markersize=5, linestyle="none")
        return [Point(axes, own.published, place, f"{verdict.claim.label}, published: {text}")]
    right = own.published > high
    text = f"published {text} ▸" if right else f"◂ published {text}"
    at = (1.0 if right else 0.0, place)
    where = axes.get_yaxis_transform()
    axes.annotate(text, at, xycoords=where, ha="right" if right else "left", va="center", fontsize=8)
    return []


def _limits(panel: Sequence[Effect]) -> tuple[float, float]:
    """Return the axis: all estimates, intervals, nulls, and published figures not farther out than that is wide."""
    known = [own.scale * own.verdict.claim.null for own in panel] + [0.0]
    known += [own.value for own in panel if own.value is not None]
    known += [end for own in panel if own.interval for end in (own.interval.low, own.interval.high)]
    low, high = min(known), max(known)
    near = [
        own.published
        for own in panel
        if own.published is not None and low - (high - low) <= own.published <= high + (high - low)
    ]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.06 * (high - low) or 1.0
    bounds = POSSIBLE.get(panel[0].unit)
    return clipped((low - pad, high + pad), bounds) if bounds else (low - pad, high + pad)


def _words(own: Effect) -> str:
    return f"{own.verdict.claim.number}. {own.verdict.claim.statement}"


def _finding(own: Effect) -> str:
    verdict = own.verdict
    if verdict.estimate is None:
        return "no runs of all its variants yet" if not verdict.lacking else "not recorded"
    few = f"; {can_not_tell(verdict.n)}" if verdict.n < LEAST_RUNS else ""
    return f"{verdict.measure.show(verdict.estimate.value, difference=verdict.difference)}, {verdict.outcome}{few}"


def _row(own: Effect) -> Row:
    verdict, scale = own.verdict, own.scale
    low, high = (own.interval.low, own.interval.high) if own.interval else (np.nan, np.nan)
    return {
        "claim": verdict.claim.label,
        "unit": own.unit,
        "estimate": own.value,
        "low": low,
        "high": high,
        "level": verdict.level / max(verdict.classes, 1),
        "null": scale * verdict.claim.null,
        "claimed": "greater" if verdict.claim.sign > 0 else "less",
        "published": own.published,
        "outcome": verdict.outcome,
        "n": verdict.n,
    }
