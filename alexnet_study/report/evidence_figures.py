"""Figures of the audit and of the arrays: what the published vectors fit, PCA scores, calibration."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.report.analysis import Analysis
from alexnet_study.report.arrays import BINS, Findings
from alexnet_study.report.collect import Collection
from alexnet_study.report.drawing import COLOURS, GREY, HUES, Picture, colour, grid, line, marker, names, picture, title
from alexnet_study.report.published import FigureCheck, VectorCheck

SHOWN_AS: dict[str, Any] = {
    "intact": {"color": HUES[1], "marker": "s"},
    "lesioned": {"color": HUES[2], "marker": "o"},
}
LEAST_SHARE = 0.001  # of the test images: an emptier bin's accuracy is not drawn


def evidence(analysis: Analysis) -> Picture:
    """Published figures of a model with a skip beside its runs, intact and lesioned; and how far the vectors lie."""
    collection = analysis.collection
    variant, checks, vectors = _lesion_case(analysis)
    figure = Figure(figsize=(10.5, 4.6))
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    rows = _draw_figures(left, collection, variant, checks)
    rows += _draw_vectors(right, vectors)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    caption = (
        f"Was {variant} evaluated with its skip connection? Left: each published figure (◆) beside our runs, "
        "intact and lesioned. Right: distance of each published vector (◆) to the runs of an evaluation, over the "
        "distance of the farthest of these runs from the others (dots; 1 or less: the vector fits)."
    )
    alt = (
        f"Published figures of {variant} beside its runs with and without the skip connection: {_conclusions(vectors)}."
    )
    return picture(figure, "evidence", caption=caption, alt=alt, data=pd.DataFrame(rows))


def has_lesion_case(analysis: Analysis) -> bool:
    """Whether some variant has a lesioned evaluation and published vectors."""
    return any("lesioned" in check.fits for check in analysis.vectors)


def _lesion_case(analysis: Analysis) -> tuple[str, list[FigureCheck], list[VectorCheck]]:
    variant = next(check.variant for check in analysis.vectors if "lesioned" in check.fits)
    vectors = [check for check in analysis.vectors if check.variant == variant]
    groups = {group for check in vectors for group in check.groups}
    return variant, [c for c in analysis.figures if c.variant == variant and c.group in groups], vectors


def _conclusions(vectors: list[VectorCheck]) -> str:
    return "; ".join(f"{check.group} {check.conclusion}" for check in vectors)


def _draw_figures(axes: Axes, collection: Collection, variant: str, checks: list[FigureCheck]) -> list[dict[str, Any]]:
    rows = []
    for place, check in enumerate(checks):
        for shift, (evaluation, style) in zip((-0.17, 0.17), SHOWN_AS.items(), strict=True):
            values = 100 * np.array(list(collection.figures(variant, check.metric, evaluation).values()))
            text = f"{variant}, {evaluation} (n = {len(values)})" if place == 0 else None
            jitter = 0.05 * np.sin(2.4 * np.arange(len(values)))
            axes.scatter(values, place + shift + jitter, s=16, alpha=0.85, linewidths=0, label=text, **style)
            rows += [
                {"figure": check.measure.label, "evaluation": evaluation, "value": value / 100} for value in values
            ]
        text = "published (n = 1)" if place == 0 else None
        axes.plot(100 * check.published, place, "kD", markersize=5, linestyle="none", label=text)
        rows.append({"figure": check.measure.label, "evaluation": "published", "value": check.published})
    axes.set(yticks=range(len(checks)), xlabel="%", ylim=(len(checks) - 0.4, -0.6))
    axes.set_yticklabels([check.measure.label for check in checks])
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    return rows


def _draw_vectors(axes: Axes, vectors: list[VectorCheck]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for place, check in enumerate(vectors):
        for shift, (evaluation, style) in zip((-0.17, 0.17), SHOWN_AS.items(), strict=True):
            fit = check.fits.get(evaluation)
            if fit is None:
                continue
            farthest = max(fit.own)
            own = np.array(fit.own) / farthest
            axes.scatter(own, np.full(len(own), place + shift), s=16, alpha=0.85, linewidths=0, **style)
            ratio = fit.distance / farthest
            axes.plot(ratio, place + shift, marker="D", color=style["color"], markeredgecolor="k", markersize=7)
            at = {"figure": check.group, "evaluation": evaluation}
            rows += [{**at, "run_distance": value} for value in fit.own] + [{**at, "published_distance": fit.distance}]
    axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(yticks=range(len(vectors)), xlabel="distance / the farthest run's", ylim=(len(vectors) - 0.4, -0.6))
    texts = ["all together" if check.mixed else check.group for check in vectors]
    axes.set_yticklabels([f"{text}:\n{check.conclusion}" for text, check in zip(texts, vectors, strict=True)])
    axes.set_xlim(left=0)
    return rows


def pca_scatter(analysis: Analysis, findings: Findings) -> Picture:
    """Aligned PCA scores of one seed of each variant and evaluation."""
    collection = analysis.collection
    rows, columns = grid(len(findings.points), columns=3)
    figure = Figure(figsize=(3.6 * columns + 1.2, 3.5 * rows))
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).flatten()
    data = []
    for axes, row in zip(panels, findings.points, strict=False):
        scores, labels = np.array(row["scores"]), np.array(row["labels"])
        for index, name in enumerate(collection.classes):
            own: Any = {"color": COLOURS[index % len(COLOURS)], "label": name}
            axes.scatter(*scores[labels == index].T, s=5, alpha=0.6, linewidths=0, rasterized=True, **own)
        axes.set_title(
            f"{title(row['variant'], row['evaluation'])}, seed {row['seed']}; residual {row['residual']:.3f}"
        )
        axes.set(xlabel="PC1 of the first", ylabel="PC2 of the first")
        axes.label_outer()
        data.append(
            pd.DataFrame(
                {"variant": row["variant"], "evaluation": row["evaluation"], "seed": row["seed"]}
                | {"score_1": scores[:, 0], "score_2": scores[:, 1], "class": [collection.classes[i] for i in labels]}
            )
        )
    for unused in panels[len(findings.points) :]:
        unused.remove()
    handles, labels_shown = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels_shown, loc="outside right center", frameon=False, markerscale=3)
    shown, images = len(findings.points[0]["labels"]), findings.points[0]["images"]
    caption = (
        f"PCA of the test features: {shown} of {images} test images, one seed (n = 1) a panel, turned, reflected "
        f"and scaled by Procrustes onto {findings.points[0]['variant']}'s; the residual is the share of variance "
        "left, beside that between seeds in the table."
    )
    alt = f"Scatter of the first two principal components of {names(collection)}, coloured by class."
    return picture(figure, "pca", caption=caption, alt=alt, data=pd.concat(data), kept=findings.kept)


def calibration(analysis: Analysis, findings: Findings) -> Picture:
    """Accuracy against confidence."""
    collection = analysis.collection
    figure = Figure(figsize=(7.2, 4.4))
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle=":", label="perfect")
    for variant, evaluation in collection.evaluations:
        bins = [
            row
            for row in findings.numbers["calibration"]
            if (row["variant"], row["evaluation"]) == (variant, evaluation) and row["share"] >= LEAST_SHARE
        ]
        axes.plot(
            [100 * row["confidence"] for row in bins],
            [100 * row["accuracy"] for row in bins],
            color=colour(collection, variant),
            marker=marker(collection, variant),
            markersize=4,
            linestyle=line(collection, variant, evaluation),
            label=f"{title(variant, evaluation)} (n = {len(collection.of(variant))})",
        )
    axes.set(xlabel="confidence, %", ylabel="accuracy, %", xlim=(0, 100), ylim=(0, 100))
    figure.legend(loc="outside right center", frameon=False)
    caption = (
        f"Calibration: accuracy against the largest predicted probability in {BINS} equal bins, the test images of "
        f"n seeds pooled; bins with less than {100 * LEAST_SHARE:g} % of them are not drawn. Under the grey line: "
        "overconfident."
    )
    alt = f"Reliability diagram of {names(collection)}."
    data = pd.DataFrame(findings.numbers["calibration"])
    return picture(figure, "calibration", caption=caption, alt=alt, data=data, kept=findings.kept)
