"""How the measures of a run are named and shown, and those that the report derives from what a run recorded:

derived.accuracy_gap              running training top-1 less test top-1, after the last epoch
derived.best_epoch                the epoch, from 0, of the highest test top-1
derived.plateau_epochs            epochs trained until the test loss is below 95 % of ln C, a guess's; null if never
derived.epochs_to_quarter_error   epochs trained until at most 25 % of the training images are wrong in evaluation mode
                                  (on those that the epoch's record says); null if never
derived.curve_deviation           mean over epochs of |test top-1 − the variant's median of that epoch|
derived.EVALUATION.balanced_accuracy  mean recall over the classes that have test images; shown of unbalanced classes
derived.EVALUATION.components_90  the least number of principal components with 90 % of the variance
derived.EVALUATION.variance_in_two  the share of variance in the first two

A further measure is an entry of `MEASURES`; a derived one names there what works it out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alexnet_study.runs.records import EpochRecord, Evaluation, Spectrum, Summary
from alexnet_study.study.metrics import class_metric, in_evaluation

if TYPE_CHECKING:
    from alexnet_study.report.statistics.estimates import Estimate, Interval

PLATEAU = 0.95
QUARTER_ERROR = 0.25  # Krizhevsky et al., NeurIPS 2012, figure 1


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that a run has one value of: how it is called and shown.

    proportion: a fraction, shown in %, its differences in points. contrast: a difference already, of two fractions, so
    that it may be negative. censored: a time until something happens, null where the run ended before. of_images: a
    proportion of the test images, or of those of the class `of_class`. of_run, of_evaluation, of_spectrum: what derives
    it from what a run recorded: of itself, of each evaluation, or of the principal components of each that has them.
    """

    label: str
    proportion: bool = False
    contrast: bool = False
    censored: bool = False
    of_images: bool = False
    of_class: str = ""
    unit: str = ""
    digits: int = 4
    of_run: Callable[[Summary, Sequence[EpochRecord]], float | None] | None = None
    of_evaluation: Callable[[Evaluation], float | None] | None = None
    of_spectrum: Callable[[Spectrum], float | None] | None = None

    @property
    def share(self) -> bool:
        """Return whether it is a share of something, in [0, 1], which has a logit."""
        return self.proportion and not self.contrast

    def show(self, value: float | None, *, difference: bool = False, signed: bool = False) -> str:
        """Return a value with its unit's scale; – where there is none; a true minus sign."""
        if value is None or not math.isfinite(value):
            return "–"
        scale, digits = (100, 2) if self.proportion else (1, self.digits)
        return f"{value * scale:{'+' if signed or difference else ''}.{digits}f}".replace("-", "−")

    def interval(self, estimate: "Estimate", *, difference: bool = False) -> "Interval | None":
        """Return the 95 % t interval over seeds, that of a share's mean on the logit scale; None below 3 runs."""
        from alexnet_study.report.statistics.proportions import logit_interval  # scipy's half a second: not to train

        return logit_interval(estimate) if self.share and not difference else estimate.interval()

    def unit_of(self, *, difference: bool = False) -> str:
        """Return %, points, nats, or nothing."""
        return ("points" if difference or self.contrast else "%") if self.proportion else self.unit


def _accuracy_gap(summary: Summary, epochs: Sequence[EpochRecord]) -> float:
    return epochs[-1].train_top1 - summary.evaluations["intact"].top1


def _best_epoch(summary: Summary, epochs: Sequence[EpochRecord]) -> float:
    return float(np.argmax([record.test_top1 for record in epochs]))


def _plateau_epochs(summary: Summary, epochs: Sequence[EpochRecord]) -> float | None:
    guess = math.log(len(summary.classes))
    left = [record.epoch + 1 for record in epochs if record.test_loss < PLATEAU * guess]
    return float(left[0]) if left else None


def _epochs_to_quarter_error(summary: Summary, epochs: Sequence[EpochRecord]) -> float | None:
    reached = [record.epoch + 1 for record in epochs if 1 - record.train_eval_top1 <= QUARTER_ERROR + 1e-12]
    return float(reached[0]) if reached else None


def _balanced_accuracy(evaluation: Evaluation) -> float:
    """Return the mean recall, from counts, over the classes that have images."""
    counts = np.asarray(evaluation.confusion, dtype=float)
    images = counts.sum(1)
    return float(np.mean(counts.diagonal()[images > 0] / images[images > 0]))


def _components_90(spectrum: Spectrum) -> float | None:
    ratio = np.asarray(spectrum.explained_variance_ratio)
    reached = np.flatnonzero(np.cumsum(ratio) >= 0.9 - 1e-12)
    return float(reached[0]) + 1 if len(reached) else None


def _variance_in_two(spectrum: Spectrum) -> float:
    return float(np.asarray(spectrum.explained_variance_ratio)[:2].sum())


MEASURES = {
    "evaluations.intact.top1": Measure(label="test top-1", proportion=True, of_images=True),
    "derived.intact.balanced_accuracy": Measure(
        label="balanced accuracy, test", proportion=True, of_evaluation=_balanced_accuracy
    ),
    "evaluations.intact.top3": Measure(label="test top-3", proportion=True, of_images=True),
    "evaluations.intact.loss": Measure(label="test loss", unit="nats"),
    "last_epoch.train_loss": Measure(label="training loss, running mean of the last epoch", unit="nats"),
    "last_epoch.train_top1": Measure(label="training top-1, running mean of the last epoch", proportion=True),
    "last_epoch.train_eval_loss": Measure(label="training loss, evaluation mode", unit="nats"),
    "last_epoch.train_eval_top1": Measure(label="training top-1, evaluation mode", proportion=True),
    "gap.published": Measure(label="gap as published, training − test loss", unit="nats"),
    "gap.proper": Measure(label="proper gap, test − training loss in evaluation mode", unit="nats"),
    "derived.accuracy_gap": Measure(
        label="accuracy gap as published, training − test top-1", proportion=True, contrast=True, of_run=_accuracy_gap
    ),
    "derived.best_epoch": Measure(label="best epoch, from 0", digits=1, of_run=_best_epoch),
    "derived.plateau_epochs": Measure(
        label="epochs until the plateau is left", unit="epochs", digits=2, censored=True, of_run=_plateau_epochs
    ),
    "derived.epochs_to_quarter_error": Measure(
        label="epochs until the training error in evaluation mode is at most 25 %",
        unit="epochs",
        digits=2,
        censored=True,
        of_run=_epochs_to_quarter_error,
    ),
    "derived.curve_deviation": Measure(
        label="distance from the median learning curve, test top-1", proportion=True, contrast=True
    ),
    "evaluations.intact.ece": Measure(label="expected calibration error", proportion=True),
    "linear_regressor.intact.published.top1": Measure(
        label="linear regressor, published protocol, top-1", proportion=True, of_images=True
    ),
    "linear_regressor.intact.closed_form.top1": Measure(
        label="linear regressor, closed form, top-1", proportion=True, of_images=True
    ),
    "evaluations.intact.pca.explained_variance_ratio.0": Measure(label="variance explained by PC1", proportion=True),
    "evaluations.intact.pca.explained_variance_ratio.1": Measure(label="variance explained by PC2", proportion=True),
    "derived.intact.variance_in_two": Measure(
        label="variance explained by PC1 and PC2", proportion=True, of_spectrum=_variance_in_two
    ),
    "derived.intact.components_90": Measure(
        label="components for 90 % of the variance", digits=1, of_spectrum=_components_90
    ),
    "evaluations.intact.pca.participation_ratio": Measure(label="participation ratio", digits=2),
}


BALANCED_ACCURACY = "derived.intact.balanced_accuracy"


def analysis_of(path: str) -> str:
    """Return which of the analyses that a study may leave out a measure comes from: metrics, pca or regressors."""
    if ".pca." in path or MEASURES[path].of_spectrum:
        return "pca"
    return "regressors" if path.startswith("linear_regressor.") else "metrics"


def measure(path: str) -> Measure:
    """Return how the measure at `path` is shown; a path that is not listed shows as itself."""
    path = in_evaluation(path, "intact") or path
    if path in MEASURES:
        return MEASURES[path]
    own = class_metric(path)
    if own is None:
        return Measure(label=path)
    share = own.parent.rpartition(".")[2]
    return Measure(label=f"{share} of {own.name}", proportion=True, of_images=share == "recall", of_class=own.name)


def derive(summary: Summary, epochs: Sequence[EpochRecord]) -> dict[tuple[str, str], float | None]:
    """Return the derived values of one run that need no other run, by evaluation (`""`: of the run) and path."""
    values: dict[tuple[str, str], float | None] = {}
    for path, own in MEASURES.items():
        if own.of_run is not None:
            values["", path] = own.of_run(summary, epochs)
        for name, evaluation in summary.evaluations.items():
            place = name, in_evaluation(path, name) or path
            if own.of_evaluation is not None:
                values[place] = own.of_evaluation(evaluation)
            if own.of_spectrum is not None and evaluation.pca is not None:
                values[place] = own.of_spectrum(evaluation.pca)
    return values


def curve_deviations(curves: Sequence[Sequence[float]] | Sequence[NDArray[np.float64]]) -> list[float | None]:
    """Return each run's mean absolute distance from the median curve of its variant, curves (n, epochs) of test top-1.

    Comparing these between variants is Brown and Forsythe's test of spread (JASA 69, 1974), averaged over epochs. None
    for fewer than three runs: two lie equally far from their median, whatever their spread.
    """
    values = np.asarray(curves, dtype=float)
    if len(values) < 3:
        return [None] * len(values)
    return [float(value) for value in np.abs(values - np.median(values, axis=0)).mean(1)]
