"""Of a full factorial of skips: where one helps, whether several add up, and what each does to the initial plateau."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alexnet_study.report.audit.contrasts import Contrast, compare
from alexnet_study.report.collection import Collection
from alexnet_study.report.factorial import subsets
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.picture import GREY, INK, NARROW, WIDE, Picture, Point, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, estimate_columns, estimate_text, p_text
from alexnet_study.report.statistics import estimates

TOP1, PLATEAU = "evaluations.intact.top1", "derived.plateau_epochs"
COLUMNS = {TOP1: "test top-1, points", PLATEAU: "initial plateau, epochs"}
UNITS = {TOP1: "%", PLATEAU: "epochs"}

Subset = frozenset[str]
Variants = Mapping[Subset, str]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A main effect, of one place, or an interaction, of two, on one measure."""

    places: tuple[str, ...]
    metric: str
    contrast: Contrast


def section(material: Material) -> Section | None:
    """Return what skips at each place do; None for a study that isn't a full factorial of skips."""
    variants = subsets(material.collection)
    if not variants or not all(material.collection.values.of(name, TOP1) for name in variants.values()):
        return None
    own = material.collection
    found = effects(own, variants)
    items = (draw(own, variants), tabulate(own, variants, found), adding_up(own, variants))
    return Section(name="skip-places", title="Where a skip helps, and whether several add up", items=items)


def weights(variants: Variants, places: Sequence[str]) -> dict[str, float]:
    """Return the weights of the effect of one place, or of the interaction of several.

    A main effect is the mean over all subsets of the other skips of the gain by this one; the interaction of two is the
    mean over all subsets of the others of the gain by both less the sum of the gains by each alone. With signs ±1 for a
    skip that is there or not, each weight is the product of the signs over the number of subsets of the others.
    """
    share = 2 ** len(places) / len(variants)
    return {name: share * (-1.0) ** len(set(places) - subset) for subset, name in variants.items()}


def effects(collection: Collection, variants: Variants) -> list[Effect]:
    """Return all main effects and all interactions of two, on accuracy and on the initial plateau, paired by seed."""
    places = sorted(frozenset.union(*variants))
    made = []
    for chosen in [(place,) for place in places] + list(itertools.combinations(places, 2)):
        for metric in COLUMNS:
            contrast = compare(weights(variants, chosen), _values(collection, variants, metric))
            if contrast:
                made.append(Effect(places=chosen, metric=metric, contrast=contrast))
    return made


def tabulate(collection: Collection, variants: Variants, found: Sequence[Effect]) -> Table:
    """Return main effects and interactions of two."""
    rows: list[Row] = []
    display: dict[str, Row] = {}
    for effect in found:
        name = " × ".join(effect.places)
        estimate = effect.contrast.estimate
        at: Row = {"effect": name, "order": len(effect.places), "metric": effect.metric}
        rows.append({**at, **estimate_columns(estimate)})
        cells = display.setdefault(name, {"effect of a skip at": name})
        cells[COLUMNS[effect.metric]] = estimate_text(measure(effect.metric), estimate, difference=True)
        cells[f"p, {'accuracy' if effect.metric == TOP1 else 'plateau'}"] = p_text(estimate.p_value())
    for effect in found:
        display[" × ".join(effect.places)]["n"] = effect.contrast.estimate.n  # last, behind all measures
    ended = sum(len(collection.unreached(name, PLATEAU)) for name in variants.values())
    never = f" {ended} runs never left it, and count as the epoch after their last." if ended else ""
    caption = (
        f"Effects of skips in the {len(variants)} subsets: mean [95 % t interval], paired by seed, n seeds. Of one "
        "place: the mean gain by its skip over all subsets of the others. Of two: the mean gain by both beyond the sum "
        "of what each gains alone; below 0 for places that do each other's work. One interval and p at a time; only "
        f"the claims are corrected for their number.{never}"
    )
    return table("skip_effects", caption, rows, list(display.values()))


def adding_up(collection: Collection, variants: Variants) -> Table:
    """Return what several skips gain over none, and the sum of what each gains alone."""
    own, values = measure(TOP1), _values(collection, variants, TOP1)
    none = variants[frozenset()]
    rows: list[Row] = []
    display: list[Row] = []
    for subset, name in variants.items():
        if len(subset) < 2:
            continue
        singles = [variants[frozenset({place})] for place in sorted(subset)]
        sums = {single: 1.0 for single in singles} | {none: -float(len(singles))}
        together = {name: 1.0, none: -1.0}
        beyond = {name: 1.0, **{single: -1.0 for single in singles}, none: len(singles) - 1.0}
        cells: Row = {"skips at": " + ".join(sorted(subset))}
        for kind, given in (("gain", together), ("sum of the single gains", sums), ("gain less the sum", beyond)):
            contrast = compare(given, values)
            estimate = contrast.estimate if contrast else None
            if estimate:
                rows.append({"skips": " ".join(sorted(subset)), "figure": kind, **estimate_columns(estimate)})
            cells[f"{kind}, points"] = estimate_text(own, estimate, difference=True)
        common = compare(beyond, values)
        display.append({**cells, "n": common.estimate.n if common else 0})
    caption = (
        "Do several skips add up? Test top-1 with the skips less that of none, the sum of what each gains alone, and "
        "the difference of both: mean [95 % t interval], paired by seed, n seeds. Below 0, they gain less than the sum."
    )
    return table("skip_sums", caption, rows, display)


def draw(collection: Collection, variants: Variants) -> Picture:
    """Draw all subsets, ordered by mean test top-1: their skips as dots, accuracy and plateau beside them."""
    means = {subset: _mean(collection, name, TOP1) for subset, name in variants.items()}
    order = sorted(variants, key=lambda subset: -means[subset])
    places = sorted(frozenset.union(*variants))
    named = {variants[subset]: _named(subset) for subset in order}
    figures, points = [], []
    for width in (NARROW, WIDE):
        figure = Figure(figsize=(width, 0.9 + 0.24 * len(order)))
        matrix, accuracy, plateau = figure.subplots(1, 3, sharey=True, width_ratios=[0.22 * len(places), 1.6, 1.2])
        _matrix(matrix, order, places)
        points = _strip(accuracy, collection, named, TOP1) + _strip(plateau, collection, named, PLATEAU)
        figures.append(figure)
    caption = (
        f"All {len(order)} subsets of skips, the best first. Dots at the left: the convolutions that have one. Test "
        "top-1 and epochs until the initial plateau is left (a run that never leaves it counts as the epoch after its "
        "last): each run (grey), mean and 95 % t interval (accuracy's on the logit scale)."
    )
    texts = [f"{_named(subset)} {100 * means[subset]:.1f} %" for subset in order]
    rows = [
        {"skips": _named(subset), "metric": metric, "seed": seed, "value": value}
        for metric in COLUMNS
        for subset in order
        for seed, value in collection.at_least(variants[subset], metric).items()
    ]
    alt = f"Mean test top-1 by the skips that a model has, ordered: {'; '.join(texts)}."
    narrow, wide = figures
    data = pd.DataFrame(rows)
    return picture(wide, "skip_places", caption=caption, alt=alt, data=data, narrow=narrow, points=points)


def _matrix(axes: Axes, order: Sequence[Subset], places: Sequence[str]) -> None:
    for row, subset in enumerate(order):
        inside = [column for column, place in enumerate(places) if place in subset]
        axes.scatter(range(len(places)), [row] * len(places), s=26, color=GREY, alpha=0.25, linewidths=0)
        axes.plot(inside, [row] * len(inside), color=INK, marker="o", markersize=5, linewidth=1.2)
    axes.set(xlim=(-0.6, len(places) - 0.4), ylim=(len(order) - 0.4, -0.6), xlabel="skip at conv")
    axes.set_xticks(range(len(places)), [place.removeprefix("conv") for place in places])
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def _strip(axes: Axes, collection: Collection, names: Mapping[str, str], metric: str) -> list[Point]:
    """Draw runs, mean and interval of each variant, a line each; return the means, by the variants' names in words."""
    own, points = measure(metric), []
    scale = 100 if own.share else 1
    for row, name in enumerate(names):
        values = list(collection.at_least(name, metric).values())
        axes.scatter(scale * np.array(values), [row] * len(values), s=12, color=GREY, alpha=0.6, linewidths=0)
        mean = estimates.mean(values)
        if interval := own.interval(mean):
            axes.plot([scale * interval.low, scale * interval.high], [row] * 2, color=INK, linewidth=1.6)
        axes.plot(scale * mean.value, row, marker="o", color=INK, markersize=5)
        points.append(
            Point(axes, scale * mean.value, row, f"{names[name]}: {estimate_text(own, mean)} {UNITS[metric]}")
        )
    axes.set(xlabel="test top-1, %" if metric == TOP1 else "plateau, epochs")
    if metric == PLATEAU:
        axes.set_xlim(0.5, 0.5 + max(max(collection.at_least(name, metric).values()) for name in names))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=metric == PLATEAU))
    axes.tick_params(axis="y", length=0)
    return points


def _values(collection: Collection, variants: Variants, metric: str) -> dict[str, dict[int, float]]:
    return {name: collection.at_least(name, metric) for name in variants.values()}


def _mean(collection: Collection, name: str, metric: str) -> float:
    return float(np.mean(list(collection.values.of(name, metric).values())))


def _named(subset: Subset) -> str:
    return " + ".join(sorted(subset)) or "none"
