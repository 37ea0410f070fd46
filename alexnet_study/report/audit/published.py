"""The published figures beside our runs: each alone in a prediction interval, vectors jointly, intact and lesioned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alexnet_study.report.audit.prediction import predict
from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import Measure, measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Array, Interval
from alexnet_study.report.statistics.joint import JointRank, LogDensity, joint_rank, log_predictive_density
from alexnet_study.report.statistics.resampling import TIES
from alexnet_study.study.claims import PublishedFigures

EVALUATIONS = ("intact", "lesioned")


@dataclass(frozen=True, kw_only=True)
class FigureCheck:
    """One published figure and where one run of ours would lie, for each evaluation that the variant has.

    follows: from other published figures, so that it is no test of its own.
    """

    group: str
    program: str
    variant: str
    metric: str
    measure: Measure
    published: float
    predicted: dict[str, Interval | None]
    n: int
    follows: bool = False

    @property
    def varies(self) -> bool:
        """Return whether our runs differ in it; the last of five epochs being the best in all of them, they don't."""
        return any(interval is not None and interval.low < interval.high for interval in self.predicted.values())

    @property
    def counted(self) -> bool:
        """Return whether it counts as a test: it follows from no other figure, and can vary."""
        return self.varies and not self.follows

    def inside(self, evaluation: str) -> bool | None:
        """Return whether it lies in the interval; None where there is no interval."""
        interval = self.predicted.get(evaluation)
        return None if interval is None else self.published in interval


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A published vector among the runs of one evaluation: its rank, and a density, which is a description."""

    rank: JointRank
    density: LogDensity | None

    @property
    def standing(self) -> str:
        """Return refused, farthest, or fits.

        p is the share of the n + 1 points, the vector among them, that score at least as much. Refused: it is under
        0.05. Farthest: no run scores as much, but n can't refuse, 1/(n + 1) not being under 0.05. Fits: some run does.
        """
        if not self.rank.fits():
            return "refused"
        return "farthest" if self.rank.p <= self.rank.floor * (1 + TIES) else "fits"

    @property
    def p_text(self) -> str:
        """Return p as a fraction, `2/11`."""
        return f"{round(self.rank.p * (self.rank.n + 1))}/{self.rank.n + 1}"


@dataclass(frozen=True, kw_only=True)
class VectorCheck:
    """A published vector, jointly, among the runs of each evaluation; of one group of figures, or of several."""

    groups: tuple[str, ...]
    program: str
    variant: str
    size: int
    joint: dict[str, Joint]

    @property
    def group(self) -> str:
        """Return what the vector is called: the names of its groups."""
        return " + ".join(self.groups)

    @property
    def mixed(self) -> bool:
        """Return whether its figures are of several groups."""
        return len(self.groups) > 1

    @property
    def fitting(self) -> list[str]:
        """Return the evaluations that it fits."""
        return [name for name, own in self.joint.items() if own.standing == "fits"]

    @property
    def likelier(self) -> str:
        """Return the evaluation under which its log predictive density is higher, which needs no common scale."""
        return max(self.joint, key=lambda name: own.vector if (own := self.joint[name].density) else -np.inf)

    @property
    def conclusion(self) -> str:
        """Return what the vector says of how the published model was evaluated."""
        if not self.joint:
            return "not resolved: fewer than 3 runs"
        standing = {name: own.standing for name, own in self.joint.items()}
        if "lesioned" not in standing:
            return {"fits": "fits", "refused": "refused", "farthest": "farther than every run"}[standing["intact"]]
        fitting = self.fitting
        if len(fitting) == 2:
            return "doesn't discriminate: fits both"
        if not fitting:
            found = {"refused": "refused by both", "farthest": "farther than every run of both"}
            alike = standing["intact"] == standing["lesioned"]
            said = found[standing["intact"]] if alike else "fits neither"
            return f"{said}; the higher density is {self.likelier}"
        (other,) = set(standing) - set(fitting)
        said = "refused" if standing[other] == "refused" else "farther than every run"
        return f"fits {fitting[0]} only; {other}: {said}"


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

    Of a variant with several groups, also a check of all of them in one vector. Figures that follow from others are in
    none, and a group with one that doesn't is no vector of its own.
    """
    published = collection.study.published
    if published is None:
        return []
    groups = [group for group in published.figures if group.joint and group.counted]
    checks = []
    for variant in dict.fromkeys(name for group in groups for name in group.values):
        if variant not in collection.variants:
            continue
        own = [group for group in groups if variant in group.values]
        checks += [_check_vector(collection, [group], variant) for group in own if len(group.counted) > 1]
        if len(own) > 1:
            checks.append(_check_vector(collection, own, variant))
    return checks


def tally(checks: Sequence[FigureCheck], evaluation: str = "intact") -> tuple[int, int, float]:
    """Return (figures outside, figures judged, how many would fall outside by chance at the interval's level).

    Figures that follow from others, or can't vary, aren't counted.
    """
    counted = [check.inside(evaluation) for check in checks if check.counted]
    judged = [inside for inside in counted if inside is not None]
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
        follows=metric in group.follows,
    )


def _check_vector(collection: Collection, groups: Sequence[PublishedFigures], variant: str) -> VectorCheck:
    metrics = [metric for group in groups for metric in group.counted]
    target = np.array([value for group in groups for value in group.counted_values(variant)])
    found = {}
    for name in EVALUATIONS:
        runs = _matrix(collection, variant, metrics, name)
        rank = joint_rank(target, runs)
        if rank is not None:
            found[name] = Joint(rank=rank, density=log_predictive_density(target, runs))
    return VectorCheck(
        groups=tuple(group.name for group in groups),
        program=", ".join(dict.fromkeys(group.program for group in groups)),
        variant=variant,
        size=len(metrics),
        joint=found,
    )


def _matrix(collection: Collection, variant: str, metrics: Sequence[str], evaluation: str) -> Array:
    """Return the published figures' values in our runs, (runs that have all of them, figures)."""
    columns = [collection.values.of(variant, metric, evaluation) for metric in metrics]
    seeds = sorted(set.intersection(*map(set, columns)))
    return np.array([[column[seed] for column in columns] for seed in seeds]).reshape(len(seeds), len(metrics))


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
        "counted": check.counted,
    }


def vector_json(check: VectorCheck) -> dict[str, Any]:
    """Return one published vector's entry of report.json."""
    return {
        "group": check.group,
        "program": check.program,
        "variant": check.variant,
        "figures": check.size,
        "evaluations": {name: _joint_json(own) for name, own in check.joint.items()},
        "conclusion": check.conclusion,
    }


def _joint_json(own: Joint) -> dict[str, Any]:
    rank, density = own.rank, own.density
    return {
        "standing": own.standing,
        "p": rank.p,
        "least_p": rank.floor,
        "n": rank.n,
        "figures_that_vary": rank.figures,
        "score": rank.score,
        "runs_scores": list(rank.scores),
        "between_runs": estimates.as_json(rank.pairs),
        "to_runs": estimates.as_json(rank.to_runs),
        "log_predictive_density": density.vector if density else None,
        "runs_log_predictive_densities": list(density.runs) if density else None,
    }
