"""The feature space: PCA scores aligned, and how alike the features of variants and seeds are."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from alexnet_study.report.collection import Collection
from alexnet_study.report.findings import FILE, Findings, Points
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.picture import COLOURS, MARKERS, WIDE, Picture, grid, names, picture, sampled
from alexnet_study.report.rendering.section import ABSENT, Section, from_arrays
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import group_name, p_text

MOST_CLASSES = 20  # that are marked: of more, some
PALE = "#b0b5bc"


def section(material: Material) -> Section | None:
    """Return what the arrays say of the features; None where the study keeps none."""
    findings, name, title = material.findings, "features", "Feature space"
    if "features" not in material.collection.study.keep:
        return None
    if findings is None:
        return Section(name=name, title=title, text=(ABSENT,))
    items: list[Table | Picture] = [pca_scatter(material, findings)] if findings.points else []
    items += [tabulate(material.collection, findings) for tabulate in (procrustes, alignment)]
    return from_arrays(name, title, tuple(items), kept=material.kept)


def pca_scatter(material: Material, findings: Findings) -> Picture:
    """Draw aligned PCA scores of one seed of each variant and evaluation."""
    collection = material.collection
    rows, columns = grid(len(findings.points), columns=3)
    figure = Figure(figsize=(WIDE, 2.3 * rows + 0.5))
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).flatten()
    shown = sampled(len(collection.classes), MOST_CLASSES)
    for axes, points in zip(panels, findings.points, strict=False):
        handles = _draw(axes, points, collection.classes, shown)
    for unused in panels[len(findings.points) :]:
        unused.remove()
    figure.legend(
        handles,
        [collection.classes[index] for index in shown],
        loc="outside lower center",
        ncols=5,
        frameon=False,
        markerscale=2,
        fontsize=8,
    )
    alt = f"Scatter of the first two principal components of {names(collection)}, marked by class."
    data = pd.concat([_tidy(points, collection.classes) for points in findings.points])
    more: Any = {"data": data, "data_in": FILE, "kept": material.kept}
    return picture(figure, "pca", caption=_pca_caption(findings.points[0], collection.classes, shown), alt=alt, **more)


def _draw(axes: Axes, points: Points, classes: Sequence[str], shown: Sequence[int]) -> list[PathCollection]:
    """Draw a panel; return what its legend shows, a handle for each class that is marked."""
    scores, labels, handles = np.array(points.scores), np.array(points.labels), []
    for index, name in enumerate(classes):
        x, y = scores[labels == index].T
        if index not in shown:
            axes.scatter(x, y, s=2, color=PALE, linewidths=0, rasterized=True, zorder=0)
            continue
        own: Any = {"color": COLOURS[index % len(COLOURS)], "label": name}
        own["marker"] = MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]  # a pair of its own up to 100
        drawn = axes.scatter(x, y, s=6, alpha=0.7, linewidths=0, rasterized=True, **own)
        handles.append(drawn)  # asked for by name, since matplotlib hides labels that begin with _
    title = f"{group_name(points.variant, points.evaluation)}\nseed {points.seed}; residual {points.residual:.3f}"
    axes.set_title(title, fontsize=8)
    axes.set(xlabel="PC1 of the first", ylabel="PC2 of the first")
    axes.label_outer()
    return handles


def _tidy(points: Points, classes: Sequence[str]) -> pd.DataFrame:
    scores = np.array(points.scores)
    return pd.DataFrame(
        {"variant": points.variant, "evaluation": points.evaluation, "seed": points.seed}
        | {"score_1": scores[:, 0], "score_2": scores[:, 1], "class": [classes[label] for label in points.labels]}
    )


def _pca_caption(first: Points, classes: Sequence[str], shown: Sequence[int]) -> str:
    caption = (
        f"PCA of the test features: {len(first.labels)} of {first.images} test images, one seed (n = 1) a panel, "
        f"turned, reflected and scaled by Procrustes onto {first.variant}'s; the residual is the share of "
        "variance left, beside that between seeds in the table."
    )
    if len(shown) < len(classes):
        caption += f" Marked are {len(shown)} of {len(classes)} classes, evenly taken; the others are pale."
    return caption


def procrustes(collection: Collection, findings: Findings) -> Table:
    """Return residuals of aligned PCA scores."""
    first = collection.variants[0]
    display = [
        {
            "scores of": group_name(row.variant, row.evaluation)
            + (", between seeds" if (row.variant, row.evaluation) == (first, "intact") else ""),
            f"residual on {first}'s": f"{row.residual:.3f} ({row.least:.3f} to {row.greatest:.3f})",
            "n": row.n,
        }
        for row in findings.numbers.procrustes
    ]
    caption = (
        "Two PCA scores of all test images after Procrustes alignment: share of variance left, mean (least to "
        "greatest) over pairs of different seeds."
    )
    return table("procrustes", caption, map(asdict, findings.numbers.procrustes), display)


def alignment(collection: Collection, findings: Findings) -> Table:
    """Return how alike feature spaces are between variants and between seeds."""
    tests = {row.variant: row for row in findings.numbers.alignment_tests}
    first = collection.variants[0]
    display = []
    for row in findings.numbers.alignment:
        other = group_name(row.other_variant, row.other_evaluation)
        intact = row.evaluation == row.other_evaluation == "intact"
        least, greatest = row.least, row.greatest
        test = tests.get(row.variant) if intact and row.other_variant == first != row.variant else None
        display.append(
            {
                "features of": f"{group_name(row.variant, row.evaluation)} and {other}",
                "alignment, different seeds": f"{row.different_seeds:.3f} ({least:.3f} to {greatest:.3f})",
                "same seed": "–" if row.same_seed is None else f"{row.same_seed:.3f}",
                "within less between": f"{test.within_less_between:.3f}, p {p_text(test.p)}" if test else "–",
                "n": row.n,
            }
        )
    caption = (
        "Centred kernel alignment (debiased) of the features of 1,000 fixed test images: 1 alike but for rotation "
        "and scale, 0 unrelated. Mean (least to greatest) over pairs of different seeds; beside a variant with "
        "itself, that is the alignment between seeds. p: variants swapped within seeds, not part of the claims' "
        "correction."
    )
    return table("alignment", caption, map(asdict, findings.numbers.alignment), display)
