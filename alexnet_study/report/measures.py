"""The figures of a run by their paths, how each is named and shown, and those that the report derives.

A document holds a run's summary.json, `last_epoch` (the last line of metrics.jsonl) and `derived`:
  derived.accuracy_gap              running training top-1 less test top-1, after the last epoch
  derived.best_epoch                the epoch, from 0, of the highest test top-1
  derived.plateau_epochs            epochs trained until the test loss is below 95 % of ln C, a guess's; null if never
  derived.curve_deviation           mean over epochs of |test top-1 − the variant's median of that epoch|
  derived.EVALUATION.components_90  the least number of principal components with 90 % of the variance
  derived.EVALUATION.variance_in_two  the share of variance in the first two
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alexnet_study.errors import RequestError

PLATEAU = 0.95


class AbsentError(RequestError):
    """A run does not record a figure: the figure is younger than the run, or there is none of that name."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How a figure is called and shown. proportion: a fraction, shown in %, its differences in points.

    contrast: a difference already, of two fractions, so that it may be negative.
    """

    label: str
    proportion: bool = False
    contrast: bool = False
    unit: str = ""
    digits: int = 4

    @property
    def share(self) -> bool:
        """Whether it is a share of something, in [0, 1], which has a logit."""
        return self.proportion and not self.contrast

    def show(self, value: float | None, *, difference: bool = False, signed: bool = False) -> str:
        """A value with its unit's scale; – where there is none; a true minus sign."""
        if value is None or not math.isfinite(value):
            return "–"
        scale, digits = (100, 2) if self.proportion else (1, self.digits)
        return f"{value * scale:{'+' if signed or difference else ''}.{digits}f}".replace("-", "−")

    def unit_of(self, *, difference: bool = False) -> str:
        """%, points, nats, or nothing."""
        return ("points" if difference or self.contrast else "%") if self.proportion else self.unit


MEASURES = {
    "evaluations.intact.top1": Measure(label="test top-1", proportion=True),
    "evaluations.intact.top3": Measure(label="test top-3", proportion=True),
    "evaluations.intact.loss": Measure(label="test loss", unit="nats"),
    "last_epoch.train_loss": Measure(label="training loss, running mean of the last epoch", unit="nats"),
    "last_epoch.train_top1": Measure(label="training top-1, running mean of the last epoch", proportion=True),
    "last_epoch.train_eval_loss": Measure(label="training loss, evaluation mode", unit="nats"),
    "last_epoch.train_eval_top1": Measure(label="training top-1, evaluation mode", proportion=True),
    "gap.published": Measure(label="gap as published, training − test loss", unit="nats"),
    "gap.proper": Measure(label="proper gap, test − training loss in evaluation mode", unit="nats"),
    "derived.accuracy_gap": Measure(
        label="accuracy gap as published, training − test top-1", proportion=True, contrast=True
    ),
    "derived.best_epoch": Measure(label="best epoch, from 0", digits=1),
    "derived.plateau_epochs": Measure(label="epochs until the plateau is left", unit="epochs", digits=2),
    "derived.curve_deviation": Measure(
        label="distance from the median learning curve, test top-1", proportion=True, contrast=True
    ),
    "evaluations.intact.ece": Measure(label="expected calibration error", proportion=True),
    "linear_regressor.intact.published.top1": Measure(
        label="linear regressor, published protocol, top-1", proportion=True
    ),
    "linear_regressor.intact.closed_form.top1": Measure(label="linear regressor, closed form, top-1", proportion=True),
    "evaluations.intact.pca.explained_variance_ratio.0": Measure(label="variance explained by PC1", proportion=True),
    "evaluations.intact.pca.explained_variance_ratio.1": Measure(label="variance explained by PC2", proportion=True),
    "derived.intact.variance_in_two": Measure(label="variance explained by PC1 and PC2", proportion=True),
    "derived.intact.components_90": Measure(label="components for 90 % of the variance", digits=1),
    "evaluations.intact.pca.participation_ratio": Measure(label="participation ratio", digits=2),
}
SHARES = ("recall", "precision")  # a figure a class


def measure(path: str) -> Measure:
    """How the figure at `path` is shown; a path that is not listed shows as itself."""
    path = path.replace(".lesioned.", ".intact.")
    if path in MEASURES:
        return MEASURES[path]
    parts = path.split(".")
    if len(parts) == 4 and parts[2] in SHARES:
        return Measure(label=f"{parts[2]} of {parts[3]}", proportion=True)
    return Measure(label=path)


def listed(path: str) -> bool:
    """Return whether the report knows the figure at `path`, so that a run without it is an older one."""
    return measure(path).label != path


def in_evaluation(path: str, evaluation: str) -> str | None:
    """The path of the same figure in another evaluation; None for a figure of the run, such as a gap."""
    if evaluation == "intact":
        return path
    return path.replace(".intact.", f".{evaluation}.") if ".intact." in path else None


def trials(path: str, summary: Mapping[str, Any]) -> float:
    """Of how many test images the proportion at `path` is a share; infinite where it is none of images."""
    counts = np.sum(summary["evaluations"]["intact"]["confusion"], axis=1)
    parts = path.split(".")
    if parts[-1] in ("top1", "top3") and parts[0] in ("evaluations", "linear_regressor"):
        return float(counts.sum())
    if len(parts) == 4 and parts[2] == "recall":
        return float(counts[_position(parts[3], summary["classes"], path)])
    return math.inf


def look_up(document: Mapping[str, Any], path: str) -> float | None:
    """Return the figure at `path` of a document; None where it is null.

    Raise AbsentError if the document lacks it, RequestError if the path leads to something else than a figure.
    """
    value: Any = document
    for depth, part in enumerate(path.split(".")):
        where = ".".join(path.split(".")[:depth])
        if isinstance(value, Mapping):
            if part not in value:
                valid = ", ".join(str(key) for key in value)
                raise AbsentError(f"metric {path}: no {part} in {where or 'a run'}; expected one of {valid}")
            value = value[part]
        elif isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
            value = value[_position(part, document["classes"], path, length=len(value))]
        else:
            raise RequestError(f"metric {path}: {where} is a figure and has no part {part}")
    if value is None:
        return None
    if isinstance(value, bool | str) or not isinstance(value, int | float):
        raise RequestError(f"metric {path}: not a figure; expected the path of a number")
    return float(value)


def _position(part: str, classes: Sequence[str], path: str, length: int | None = None) -> int:
    """An index into a list: a number, or a class's name in a list of one entry a class."""
    length = len(classes) if length is None else length
    if length == len(classes) and part in classes:
        return list(classes).index(part)
    if part.isdigit() and int(part) < length:
        return int(part)
    names = f" or a class of {', '.join(classes)}" if length == len(classes) else ""
    raise RequestError(f"metric {path}: {part!r} is not valid; expected a number from 0 to {length - 1}{names}")


def derive(summary: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The derived figures of one run that need no other run."""
    curve = [record["test_top1"] for record in metrics]
    guess = math.log(len(summary["classes"]))
    left = [record["epoch"] + 1 for record in metrics if record["test_loss"] < PLATEAU * guess]
    figures: dict[str, Any] = {
        "accuracy_gap": metrics[-1]["train_top1"] - summary["evaluations"]["intact"]["top1"],
        "best_epoch": int(np.argmax(curve)),
        "plateau_epochs": left[0] if left else None,
    }
    for name, evaluation in summary["evaluations"].items():
        if "pca" not in evaluation:
            continue
        ratio = np.asarray(evaluation["pca"]["explained_variance_ratio"])
        reached = np.flatnonzero(np.cumsum(ratio) >= 0.9 - 1e-12)
        figures[name] = {
            "components_90": int(reached[0]) + 1 if len(reached) else None,
            "variance_in_two": float(ratio[:2].sum()),
        }
    return figures


def curve_deviations(curves: Sequence[Sequence[float]]) -> list[float | None]:
    """Each run's mean absolute distance from the median curve of its variant, curves (n, epochs) of test top-1.

    Comparing these between variants is Brown and Forsythe's test of spread (JASA 69, 1974), averaged over epochs. None
    for fewer than three runs: two lie equally far from their median, whatever their spread.
    """
    values = np.asarray(curves, dtype=float)
    if len(values) < 3:
        return [None] * len(values)
    return [float(value) for value in np.abs(values - np.median(values, axis=0)).mean(1)]
