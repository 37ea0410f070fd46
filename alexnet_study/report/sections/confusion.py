"""Confusion matrices: each variant's, and how they differ."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import WIDE, Picture, grid, names, picture, sampled
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, group_name, heading
from alexnet_study.report.values import CONFUSION

MOST_NUMBERED = 12  # classes: of more, cells are too small for numbers
MOST_LABELLED = 20  # of more classes some have their name beside the matrix, evenly taken
MOST_COMPARED = 16  # variants: of more, as in a pilot, the first is no baseline for all the others
PAIRS = 20  # most confused ones that are listed where the cells have no numbers
INK = "#111111"  # on a cell's own colour, so dark on a page of any ground


def section(material: Material) -> Section:
    """Return the matrices and, of several variants but not of very many, their differences."""
    compared = 1 < len(material.collection.variants) <= MOST_COMPARED
    several = (confusion_difference(material),) if compared else ()
    many = len(material.collection.classes) > MOST_NUMBERED
    listed = (confused_pairs(material.collection),) if many else ()
    return Section(name="confusion", title="Confusion matrices", items=(confusion(material), *listed, *several))


def confusion(material: Material) -> Picture:
    """Draw row-normalised confusion matrices, mean over seeds, of each variant and evaluation."""
    collection = material.collection
    figure, panels = _panels(len(collection.evaluations))
    rows: list[Row] = []
    for axes, (variant, evaluation) in zip(panels, collection.evaluations, strict=True):
        shares = _shares(collection, variant, evaluation)
        values = np.mean(list(shares.values()), axis=0)
        image = _draw(axes, values, collection.classes, cmap="Blues", vmin=0.0, vmax=1.0)
        axes.set_title(f"{group_name(variant, evaluation)} (n = {len(shares)})")
        rows += _cells(values, collection.classes, variant=variant, evaluation=evaluation, n=len(shares))
    _scale(figure, image, collection.classes, "share of the true class")
    caption = (
        "Confusion matrices, %: rows are true classes and sum to 100; mean over n seeds. An empty cell is under ½ %."
    )
    alt = f"Row-normalised confusion matrices of {names(collection)}."
    return picture(figure, "confusion", caption=caption, alt=alt, data=pd.DataFrame(rows))


def confused_pairs(collection: Collection) -> Table:
    """Return the pairs of classes that are confused most, by the mean share of all variants, intact."""
    means = {variant: np.mean(list(_shares(collection, variant).values()), axis=0) for variant in collection.variants}
    overall = np.mean(list(means.values()), axis=0)
    np.fill_diagonal(overall, -1)
    rows, display = [], []
    for place in np.argsort(-overall, axis=None, kind="stable")[:PAIRS]:
        true, predicted = np.unravel_index(place, overall.shape)
        pair: Row = {"true": collection.classes[true], "predicted": collection.classes[predicted]}
        rows += [{**pair, "variant": variant, "share": float(own[true, predicted])} for variant, own in means.items()]
        shown = {heading(collection, name): f"{100 * own[true, predicted]:.1f}" for name, own in means.items()}
        display.append({**pair, **shown})
    caption = (
        f"Most confused pairs: the {len(display)} with the greatest share of the true class, %, that is taken for the "
        "predicted one; intact, mean over n seeds, in the order of the variants' mean."
    )
    return table("confused_pairs", caption, rows, display)


def confusion_difference(material: Material) -> Picture:
    """Draw differences of the intact confusion matrices, each later variant less the first, seed by seed."""
    collection = material.collection
    first, *others = collection.variants
    found = {other: _differences(collection, other, first) for other in others}
    limit = max((float(np.abs(mean).max()) for mean, _, _ in found.values()), default=0.0) or 1.0
    figure, panels = _panels(len(others))
    rows: list[Row] = []
    for axes, (other, (mean, consistent, n)) in zip(panels, found.items(), strict=True):
        image = _draw(axes, mean, collection.classes, muted=~consistent, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(f"{other} − {first} (n = {n})")
        cells = _cells(mean, collection.classes, variant=other, less_variant=first, n=n)
        rows += [{**cell, "same_sign": bool(same)} for cell, same in zip(cells, consistent.flat, strict=True)]
    _scale(figure, image, collection.classes, "difference of shares")
    caption = (
        f"Differences of the intact confusion matrices from {first}'s, points; mean over n seeds. Cells with a "
        "number have the same sign in every seed; the others are left empty. One cell at a time: no "
        "correction for their number."
    )
    alt = f"Differences of confusion matrices from {first}'s, cells without a consistent sign empty."
    return picture(figure, "confusion_difference", caption=caption, alt=alt, data=pd.DataFrame(rows))


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    rows, columns = grid(count, columns=2)
    figure = Figure(figsize=(WIDE, 3.75 * rows))
    axes = list(np.atleast_1d(figure.subplots(rows, max(columns, 2))).flat)
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def _shares(collection: Collection, variant: str, evaluation: str = "intact") -> dict[int, NDArray[np.float64]]:
    """Return the row-normalised confusion (C, C) of each seed; rows of classes without images are 0."""
    found = collection.values.vectors(variant, CONFUSION.format(evaluation))
    return {seed: counts / np.maximum(counts.sum(1, keepdims=True), 1) for seed, counts in found.items()}


def _differences(collection: Collection, other: str, first: str) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Return the mean difference (C, C), where all seeds agree on its sign, and how many seeds both have."""
    a, b = _shares(collection, other), _shares(collection, first)
    seeds = sorted(set(a) & set(b))
    if not seeds:
        mean = np.mean(list(a.values()), axis=0) - np.mean(list(b.values()), axis=0)
        return mean, np.zeros_like(mean, dtype=bool), 0
    each = np.array([a[seed] - b[seed] for seed in seeds])
    same = np.asarray((each > 0).all(0) | (each < 0).all(0))
    return np.asarray(each.mean(0)), same, len(seeds)


def _cells(values: NDArray[np.float64], classes: list[str], **at: Any) -> list[Row]:
    return [
        {**at, "true": classes[row], "predicted": classes[column], "share": float(value)}
        for (row, column), value in np.ndenumerate(values)
    ]


def _draw(
    axes: Axes,
    values: NDArray[np.float64],
    classes: list[str],
    *,
    muted: NDArray[np.bool_] | None = None,
    **colours: Any,
) -> Any:
    image = axes.imshow(values if muted is None else np.ma.masked_array(values, muted), **colours)
    places = sampled(len(classes), MOST_LABELLED)
    axes.set(xticks=places, yticks=places, xlabel="predicted", ylabel="true")
    shown = [classes[place] for place in places]
    axes.set_xticklabels(shown, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticklabels(shown, fontsize=8)
    spec = axes.get_subplotspec()
    if spec is not None and not spec.is_first_col():
        axes.set(yticklabels=[], ylabel="")
    if len(classes) > MOST_NUMBERED:
        return image
    for (row, column), value in np.ndenumerate(values):
        if muted is not None and muted[row, column]:
            continue
        ink = "w" if abs(value) > 0.6 * colours["vmax"] else INK
        if number := round(100 * value):
            text = f"{number}".replace("-", "−")
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
    return image


def _scale(figure: Figure, image: Any, classes: list[str], text: str) -> None:
    """Draw the scale of colours where the cells are too small for numbers."""
    if len(classes) > MOST_NUMBERED:
        figure.colorbar(image, ax=figure.axes, shrink=0.6, label=text)
