"""The figures of a report, each as SVG and PNG, drawn with the same colours and axes wherever they are compared."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alexnet_study.files import write_atomically
from alexnet_study.report.collect import Collection, Run

COLOURS = matplotlib.color_sequences["petroff10"]
STYLE: Any = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "svg.hashsalt": "alexnet_study",
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn figure as files' bytes, with what it shows in words."""

    name: str
    caption: str
    alt: str
    svg: bytes
    png: bytes

    def write(self, folder: Path) -> None:
        """NAME.svg and NAME.png in `folder`."""
        for ending, content in (("svg", self.svg), ("png", self.png)):
            write_atomically(folder / f"{self.name}.{ending}", content)


def build_figures(collection: Collection) -> Iterator[Picture]:
    """All figures of a report, one at a time."""
    with matplotlib.rc_context(STYLE):
        yield learning_curves(collection)
        yield confusion_matrices(collection)
        if len(collection.variants) > 1:
            yield confusion_differences(collection)
        yield pca_scatter(collection)
        yield separability(collection)


def learning_curves(collection: Collection) -> Picture:
    """Test top-1 and both training losses against the epoch: mean over seeds, band from least to greatest."""
    panels = (
        ("test_top1", "test top-1, %", 100),
        ("train_loss", "training loss (running), nats", 1),
        ("test_loss", "test loss, nats", 1),
    )
    figure = Figure(figsize=(10, 3.2))
    for axes, (metric, label, scale) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for variant in collection.variants:
            runs = collection.of(variant)
            epochs = np.array([record["epoch"] + 1 for record in runs[0].metrics])
            values = scale * np.array([[record[metric] for record in run.metrics] for run in runs])  # (n, epochs)
            (line,) = axes.plot(epochs, values.mean(0), marker="o", markersize=3, label=f"{variant} (n = {len(runs)})")
            axes.fill_between(epochs, values.min(0), values.max(0), color=line.get_color(), alpha=0.2, linewidth=0)
        axes.set(xlabel="epochs trained", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.axes[0].legend(frameon=False)
    caption = "Learning curves: mean over seeds, band from the least to the greatest seed."
    return _picture(figure, "learning_curves", caption, f"Learning curves of {_names(collection)}.")


def confusion_matrices(collection: Collection) -> Picture:
    """Row-normalised confusion matrices, mean over seeds, of each variant and evaluation."""
    shown = [
        (variant, evaluation) for variant in collection.variants for evaluation in collection.of(variant)[0].evaluations
    ]
    figure = Figure(figsize=(4.2 * len(shown), 4.4))
    for axes, (variant, evaluation) in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown, strict=True):
        runs = collection.of(variant)
        image = _matrix(
            axes, mean_confusion(runs, evaluation), collection.classes, cmap="Blues", vmin=0, vmax=1, text=True
        )
        axes.set_title(f"{variant}, {evaluation} (n = {len(runs)})")
    figure.colorbar(image, ax=figure.axes, shrink=0.6, label="share of the true class")
    caption = "Confusion matrices: rows are true classes and sum to 1; mean over seeds; cells in %."
    return _picture(figure, "confusion", caption, f"Row-normalised confusion matrices of {_names(collection)}.")


def confusion_differences(collection: Collection) -> Picture:
    """Differences of the mean intact confusion matrices, each later variant less the first."""
    first, *others = collection.variants
    base = mean_confusion(collection.of(first), "intact")
    differences = [mean_confusion(collection.of(other), "intact") - base for other in others]
    limit = max(float(np.abs(difference).max()) for difference in differences) or 1.0
    figure = Figure(figsize=(4.2 * len(others) + 0.8, 4.4))
    for axes, other, difference in zip(
        np.atleast_1d(figure.subplots(1, len(others))), others, differences, strict=True
    ):
        image = _matrix(axes, difference, collection.classes, cmap="RdBu_r", vmin=-limit, vmax=limit, text=True)
        axes.set_title(f"{other} − {first} (n = {len(collection.of(other))}, {len(collection.of(first))})")
    figure.colorbar(image, ax=figure.axes, shrink=0.6, label="difference of shares")
    caption = f"Differences of the intact confusion matrices from {first}'s, in points; mean over seeds."
    return _picture(figure, "confusion_difference", caption, f"Difference of confusion matrices from {first}.")


def pca_scatter(collection: Collection) -> Picture:
    """The first two PCA scores of the test images of each variant's first seed, on shared axes."""
    variants, classes = collection.variants, collection.classes
    figure = Figure(figsize=(4.2 * len(variants) + 1, 4))
    for axes, variant in zip(
        np.atleast_1d(figure.subplots(1, len(variants), sharex=True, sharey=True)), variants, strict=True
    ):
        run = collection.of(variant)[0]
        scores, labels = run.features()["intact_scores"], _labels(run)
        ratio = run.summary["evaluations"]["intact"]["pca"]["explained_variance_ratio"]
        size = float(np.clip(20_000 / len(labels), 2, 12))
        for index, name in enumerate(classes):
            points = scores[labels == index]
            colour = COLOURS[index % len(COLOURS)]
            axes.scatter(*points.T, s=size, alpha=0.5, color=colour, linewidths=0, rasterized=True, label=name)
        axes.set(title=f"{variant}, seed {run.seed}", xlabel=f"PC1 ({ratio[0]:.1%})", ylabel=f"PC2 ({ratio[1]:.1%})")
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", frameon=False, markerscale=4)
    caption = "PCA of the test features: the first two scores of each test image, one seed a variant, shared axes."
    return _picture(figure, "pca", caption, f"Scatter of two principal components of {_names(collection)}.")


def separability(collection: Collection) -> Picture:
    """Test top-1 of the closed-form linear regressor at each stage, mean over seeds and each seed."""
    figure = Figure(figsize=(6, 3.6))
    axes = figure.subplots()
    stages = [name for name in _stages(collection) if "." not in name]
    for index, variant in enumerate(collection.variants):
        runs = collection.of(variant)
        for evaluation in runs[0].evaluations:
            values = np.array([[100 * _by_stage(run, evaluation)[stage] for stage in stages] for run in runs])
            style = "-" if evaluation == "intact" else "--"
            label = f"{variant}, {evaluation} (n = {len(runs)})"
            axes.plot(stages, values.mean(0), style, color=COLOURS[index], marker="o", markersize=3, label=label)
            axes.fill_between(stages, values.min(0), values.max(0), color=COLOURS[index], alpha=0.15, linewidth=0)
    axes.set(xlabel="stage", ylabel="top-1 of the linear regressor, %")
    axes.legend(frameon=False)
    caption = "Linear separability against depth: mean over seeds, band from the least to the greatest seed."
    return _picture(figure, "separability", caption, f"Linear separability against depth of {_names(collection)}.")


def mean_confusion(runs: list[Run], evaluation: str) -> np.ndarray[Any, Any]:
    """Row-normalised confusion matrix (C, C), mean over runs; rows of classes without images are 0."""
    counts = np.array([run.summary["evaluations"][evaluation]["confusion"] for run in runs], dtype=float)
    return np.asarray((counts / np.maximum(counts.sum(2, keepdims=True), 1)).mean(0))


def _matrix(axes: Axes, values: np.ndarray[Any, Any], classes: list[str], *, text: bool, **colours: Any) -> Any:
    image = axes.imshow(values, **colours)
    axes.set(xticks=range(len(classes)), yticks=range(len(classes)), xlabel="predicted", ylabel="true")
    axes.set_xticklabels(classes, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticklabels(classes)
    if text and len(classes) <= 12:
        for (row, column), value in np.ndenumerate(values):
            dark = abs(value) > 0.6 * colours["vmax"]
            axes.text(
                column,
                row,
                f"{100 * value:.0f}".replace("-", "−"),
                ha="center",
                va="center",
                fontsize=6,
                color="w" if dark else "k",
            )
    return image


def _labels(run: Run) -> np.ndarray[Any, Any]:
    with np.load(run.folder.predictions, allow_pickle=False) as arrays:
        return np.asarray(arrays["labels"])


def _stages(collection: Collection) -> list[str]:
    return list(_by_stage(collection.runs[0], "intact"))


def _by_stage(run: Run, evaluation: str) -> dict[str, float]:
    stages = run.summary["linear_regressor"][evaluation]["by_stage"]
    return {name: figures["top1"] for name, figures in stages.items()}


def _names(collection: Collection) -> str:
    return " and ".join(f"{variant} ({len(collection.of(variant))} seeds)" for variant in collection.variants)


def _picture(figure: Figure, name: str, caption: str, alt: str) -> Picture:
    files = {}
    for ending, metadata in (("svg", {"Date": None}), ("png", None)):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=ending, dpi=150, metadata=metadata)
        files[ending] = buffer.getvalue()
    return Picture(name=name, caption=caption, alt=alt, **files)
