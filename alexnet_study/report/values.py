"""Every value of a study's runs, collected once: a tidy table of single values, and apart from it the vectors.

A metric is called by the path that study files give it. `evaluations.…`, `linear_regressor.…` and `gap.…` are the paths
of summary.json, a class's name or a component's number being the last part where there is a value of each;
`last_epoch.…` is the last line of metrics.jsonl, and `derived.…` what report/measures.py works out of both.
Vectors are what would be thousands of rows of each run: the ratios of all principal components, the confusion matrix,
and `epochs.…`, a value of each line of metrics.jsonl.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alexnet_study.errors import RequestError
from alexnet_study.report.measures import MEASURES, derive, measure
from alexnet_study.runs.records import EpochRecord, Summary
from alexnet_study.study.metrics import SHARES, class_metric, in_evaluation, parse_group

RUN = ""  # the evaluation of what is of the run as a whole, such as a gap
RATIOS = "evaluations.{}.pca.explained_variance_ratio"
CONFUSION = "evaluations.{}.confusion"

Vector: TypeAlias = NDArray[np.float64]


class Value(NamedTuple):
    """One row of the table; the value is None where it is null in the run's file, the unit `""` where it has none."""

    variant: str
    seed: int
    evaluation: str
    metric: str
    value: float | None
    unit: str


@dataclass(frozen=True, kw_only=True)
class RunValues:
    """The values of one run: single ones and vectors, by evaluation and metric."""

    variant: str
    seed: int
    single: Mapping[tuple[str, str], float | None]
    vectors: Mapping[tuple[str, str], Vector]

    def rows(self) -> Iterator[Value]:
        """Yield the run's rows of the table."""
        for (evaluation, metric), value in self.single.items():
            unit = measure(metric).unit_of()
            yield Value(self.variant, self.seed, evaluation, metric, value, unit)


class Values:
    """The values of all runs of a study.

    table: columns variant, seed, evaluation, metric, value, unit, as of `Value`; a null value is NaN.
    """

    def __init__(self, runs: Sequence[RunValues], classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.runs = tuple(runs)
        rows = pd.DataFrame([row for run in runs for row in run.rows()], columns=Value._fields)
        labels = ["variant", "evaluation", "metric", "unit"]
        self.table = rows.astype(dict.fromkeys(labels, "category") | {"value": float})
        self._single: dict[tuple[str, str], dict[int, float | None]] = {}
        self._vectors: dict[tuple[str, str], dict[int, Vector]] = {}
        for run in sorted(runs, key=lambda run: run.seed):
            for (_, metric), value in run.single.items():
                self._single.setdefault((run.variant, metric), {})[run.seed] = value
            for (_, metric), vector in run.vectors.items():
                self._vectors.setdefault((run.variant, metric), {})[run.seed] = vector
        self._recorded = {metric for _, metric in self._single}
        self._lengths = self._longest()
        self._known = self._recorded | set(MEASURES)
        self._known |= {f"evaluations.intact.{share}.{name}" for share in SHARES for name in classes}

    def of(self, variant: str, metric: str, evaluation: str = "intact") -> dict[int, float]:
        """Return the values of a variant's runs, by seed, without runs that lack the metric or where it is null.

        `metric` is that of the intact evaluation; a metric of the run as a whole has no other evaluation. Raise
        RequestError if there is no such metric: if neither a run of the study records it nor the report knows it.
        """
        own = metric if evaluation == "intact" else in_evaluation(metric, evaluation)
        self._check(metric)
        if own is None:
            return {}
        parent, _, part = own.rpartition(".")
        found = self._single.get((variant, own))
        if found is None and part.isdigit():
            vectors = self._vectors.get((variant, parent), {})
            found = {seed: float(vector[int(part)]) for seed, vector in vectors.items() if int(part) < len(vector)}
        return {seed: value for seed, value in (found or {}).items() if value is not None}

    def of_group(self, group: str, metric: str) -> dict[int, float]:
        """Return, by seed, the values of a variant in one evaluation, as claims name it: `skip` or `skip lesioned`."""
        own = parse_group(group)
        return self.of(own.variant, own.metric(metric) or metric)

    def nulls(self, variant: str, metric: str) -> list[int]:
        """Return the seeds of the variant's runs that record the metric as null."""
        return [seed for seed, value in self._single.get((variant, metric), {}).items() if value is None]

    def vectors(self, variant: str, metric: str) -> dict[int, Vector]:
        """Return the vectors of a variant's runs, by seed, without runs that lack them."""
        return dict(self._vectors.get((variant, metric), {}))

    def has(self, variant: str, metric: str) -> bool:
        """Return whether a run of the variant records the metric, be it null."""
        return (variant, metric) in self._single or (variant, metric.rpartition(".")[0]) in self._vectors

    def _check(self, metric: str) -> None:
        """Raise RequestError if there is no such metric."""
        if metric in self._known:
            return
        parent, _, part = metric.rpartition(".")
        length = self._lengths.get(parent, 0)
        if part.isdigit() and int(part) < length:
            return
        raise RequestError(f"metric {metric}: {self._mistake(metric)}")

    def _longest(self) -> dict[str, int]:
        """Return the greatest length of the vectors of one dimension, by metric."""
        longest: dict[str, int] = {}
        for (_, metric), vectors in self._vectors.items():
            lengths = [len(vector) for vector in vectors.values() if vector.ndim == 1]
            longest[metric] = max([*lengths, longest.get(metric, 0)])
        return longest

    def _mistake(self, metric: str) -> str:
        """Return what is wrong with a metric's path, and what would be right."""
        own = class_metric(metric)
        if own is not None and any(path.startswith(f"{own.parent}.") for path in self._recorded):
            return f"no class {own.name!r}; expected one of {', '.join(self.classes)}"
        if any(path.startswith(f"{metric}.") for path in self._recorded):
            return "not a number; expected the path of one"
        parts = metric.split(".")
        for depth in reversed(range(len(parts))):
            where = ".".join(parts[:depth])
            if where in self._recorded:
                return f"{where} is a number and has no part {parts[depth]}"
            if self._lengths.get(where):
                return f"{parts[depth]!r} is not valid; expected a number from 0 to {self._lengths[where] - 1}"
            start = f"{where}." if where else ""
            inside = sorted({path[len(start) :].split(".")[0] for path in self._recorded if path.startswith(start)})
            if inside:
                return f"no {parts[depth]} in {where or 'a run'}; expected one of {', '.join(inside)}"
        raise ValueError("a study without runs has no metrics")


def values_of(variant: str, seed: int, summary: Summary, epochs: Sequence[EpochRecord]) -> RunValues:
    """Return all values of one run that need no other run."""
    single = dict(_singles(summary.gap, RUN, "gap"))
    single |= _singles(epochs[-1], RUN, "last_epoch")
    vectors: dict[tuple[str, str], Vector] = {}
    for name, evaluation in summary.evaluations.items():
        single |= _singles(evaluation, name, f"evaluations.{name}")
        for share in SHARES:
            pairs = zip(summary.classes, getattr(evaluation, share), strict=True)
            single |= {(name, f"evaluations.{name}.{share}.{own}"): value for own, value in pairs}
        if evaluation.pca is not None:
            vectors[name, RATIOS.format(name)] = np.array(evaluation.pca.explained_variance_ratio)
        vectors[name, CONFUSION.format(name)] = np.array(evaluation.confusion, dtype=float)
    for name, regressors in summary.linear_regressor.items():
        single |= _singles(regressors, name, f"linear_regressor.{name}")
    single |= derive(summary, epochs)
    for own in dataclasses.fields(EpochRecord):
        column = [getattr(record, own.name) for record in epochs]
        if None not in column:
            vectors[RUN, f"epochs.{own.name}"] = np.array(column, dtype=float)
    return RunValues(variant=variant, seed=seed, single=single, vectors=vectors)


def _singles(record: object, evaluation: str, path: str) -> Iterable[tuple[tuple[str, str], float | None]]:
    """Yield the numbers of a record and of the records in it, without younger fields that the run lacks."""
    if isinstance(record, Mapping):
        for key, value in record.items():
            yield from _singles(value, evaluation, f"{path}.{key}")
    elif dataclasses.is_dataclass(record):
        for own in dataclasses.fields(record):
            value = getattr(record, own.name)
            if value is not None or own.default is dataclasses.MISSING:
                yield from _singles(value, evaluation, f"{path}.{own.name}")
    elif record is None or isinstance(record, int | float):
        yield (evaluation, path), None if record is None else float(record)
