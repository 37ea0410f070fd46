"""The published figures beside our runs: each alone in a prediction interval, vectors jointly, intact and lesioned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alexnet_study.report.audit.prediction import predict
from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import Measure, measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Interval
from alexnet_study.report.statistics.resampling import JointFit, joint_fit
from alexnet_study.study.claims import PublishedFigures

EVALUATIONS = ("intact", "lesioned")


@dataclass(frozen=True, kw_only=True)
class FigureCheck:
    """One published figure and where one run of ours would lie, for each evaluation that the variant has."""

    group: str
    program: str
    variant: str
    metric: str
    measure: Measure
    published: float
    predicted: dict[str, Interval | None]
    n: int

    def inside(self, evaluation: str) -> bool | None:
        """Return whether it lies in the interval; None where there is no interval."""
        interval = self.predicted.get(evaluation)
        return None if interval is None else self.published in interval


@dataclass(frozen=True, kw_only=True)
class VectorCheck:
    """A published vector, jointly, against the runs of each evaluation; of one group of figures, or of several."""

    groups: tuple[str, ...]
    program: str
    variant: str
    size: int
    fits: dict[str, JointFit]

    @property
    def group(self) -> str:
        """Return what the vector is called: the names of its groups."""
        return " + ".join(self.groups)

    @property
    def mixed(self) -> bool:
        """Return whether its figures are of several groups, and so of several kinds."""
        return len(self.groups) > 1

    @property
    def scale(self) -> tuple[float, str]:
        """Return what distances are shown in: figures of several kinds in spreads over seeds, proportions in points."""
        return (1.0, " spreads") if self.mixed else (100.0, " points")

    @property
    def conclusion(self) -> str:
        """Return what the vector says of how the published model was evaluated."""
        if not self.fits:
            return "not resolvable: fewer than 3 runs"
        fitting = [name for name, fit in self.fits.items() if fit.fits]
        if "lesioned" not in self.fits:
            return "fits" if fitting else "does not fit"
        if len(fitting) == 2:
            return "doesn't discriminate: fits both"
        if fitting:
            return f"fits {fitting[0]} only"
        return f"fits neither; nearer to {min(self.fits, key=lambda name: self.fits[name].distance)}"


def check_figures(collection: Collection) -> list[FigureCheck]:
    """Return a check of every published figure of every variant that has runs."""
    published = collection.study.published
    if published is None:
        return []
    return [
        _check_figure(collection, group, variant, index)
        for group in published.figures
        for variant in group.values
        if variant in collection.variants
        for index in range(len(group.metrics))
    ]


def check_vectors(collection: Collection) -> list[VectorCheck]:
    """Return a check of every joint group of published figures, of each variant that has runs.

    Of a variant with several groups, also a check of all of them in one vector.
    """
    published = collection.study.published
    if published is None:
        return []
    groups = [group for group in published.figures if group.joint]
    checks = []
    for variant in dict.fromkeys(name for group in groups for name in group.values):
        if variant not in collection.variants:
            continue
        own = [group for group in groups if variant in group.values]
        checks += [_check_vector(collection, [group], variant) for group in own]
        if len(own) > 1:
            checks.append(_check_vector(collection, own, variant))
    return checks


def tally(checks: Sequence[FigureCheck], evaluation: str = "intact") -> tuple[int, int, float]:
    """Return (figures outside, figures judged, how many would fall outside by chance at the interval's level)."""
    judged = [check.inside(evaluation) for check in checks if check.inside(evaluation) is not None]
    return judged.count(False), len(judged), (1 - estimates.LEVEL) * len(judged)


def _check_figure(collection: Collection, group: PublishedFigures, variant: str, index: int) -> FigureCheck:
    metric = group.metrics[index]
    predicted = {}
    for evaluation in EVALUATIONS:
        values = list(collection.values.of(variant, metric, evaluation).values())
        if values:
            predicted[evaluation] = predict(collection, metric, [(1.0, values)])
    return FigureCheck(
        group=group.name,
        program=group.program,
        variant=variant,
        metric=metric,
        measure=measure(metric),
        published=group.values[variant][index],
        predicted=predicted,
        n=len(collection.values.of(variant, metric)),
    )


def _check_vector(collection: Collection, groups: Sequence[PublishedFigures], variant: str) -> VectorCheck:
    metrics = [metric for group in groups for metric in group.metrics]
    target = np.array([value for group in groups for value in group.values[variant]])
    runs = {name: _matrix(collection, variant, metrics, name) for name in EVALUATIONS}
    runs = {name: values for name, values in runs.items() if len(values) > 2}
    # figures of different kinds are each divided by their spread over seeds, that of both evaluations together
    scale = _pooled_spread(list(runs.values())) if len(groups) > 1 and runs else 1.0
    found = {name: joint_fit(target, values, scale) for name, values in runs.items()}
    return VectorCheck(
        groups=tuple(group.name for group in groups),
        program=", ".join(dict.fromkeys(group.program for group in groups)),
        variant=variant,
        size=len(metrics),
        fits={name: fit for name, fit in found.items() if fit is not None},
    )


def _matrix(collection: Collection, variant: str, metrics: Sequence[str], evaluation: str) -> np.ndarray[Any, Any]:
    """Return the published figures' values in our runs, (runs that have all of them, figures)."""
    columns = [collection.values.of(variant, metric, evaluation) for metric in metrics]
    seeds = sorted(set.intersection(*map(set, columns)))
    return np.array([[column[seed] for column in columns] for seed in seeds]).reshape(len(seeds), len(metrics))


def _pooled_spread(samples: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    spread = np.sqrt(np.mean([values.var(0, ddof=1) for values in samples], axis=0))
    return np.where(spread > 0, spread, spread[spread > 0].min(initial=1.0))


def figure_json(check: FigureCheck) -> dict[str, Any]:
    """Return one published figure's entry of report.json."""
    return {
        "group": check.group,
        "program": check.program,
        "variant": check.variant,
        "metric": check.metric,
        "published": check.published,
        "n": check.n,
        "prediction_interval": {name: estimates.as_json(value) for name, value in check.predicted.items()},
        "inside_prediction_interval": {name: check.inside(name) for name in EVALUATIONS},
    }


def vector_json(check: VectorCheck) -> dict[str, Any]:
    """Return one published vector's entry of report.json."""
    fits = {
        name: {
            "distance": fit.distance,
            "runs_own_distances": list(fit.own),
            "n": fit.n,
            "rank_p": fit.rank_p,
            "fits": fit.fits,
            "chance_of_a_misfit": fit.chance,
        }
        for name, fit in check.fits.items()
    }
    return {
        "group": check.group,
        "program": check.program,
        "variant": check.variant,
        "figures": check.size,
        "evaluations": fits,
        "conclusion": check.conclusion,
    }
