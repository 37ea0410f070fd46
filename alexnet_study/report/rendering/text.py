"""Estimates and intervals as readers see them, and as columns of tidy tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import Measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Estimate, Interval

Row: TypeAlias = dict[str, object]  # of a table, by column
INSIDE = {True: "inside", False: "outside", None: "–"}


def group_name(variant: str, evaluation: str) -> str:
    """Return what a variant's evaluation is called: `skip`, or `skip, lesioned`."""
    return variant if evaluation == "intact" else f"{variant}, {evaluation}"


def heading(collection: Collection, variant: str, evaluation: str = "intact") -> str:
    """Return a column's heading: a variant's evaluation, with its n."""
    return f"{group_name(variant, evaluation)} (n = {len(collection.of(variant))})"


def label(own: Measure, *, difference: bool = False) -> str:
    """Return a figure's name with its unit."""
    unit = own.unit_of(difference=difference)
    return f"{own.label}, {unit}" if unit else own.label


@dataclass(frozen=True, kw_only=True)
class OverSeeds:
    """mean, sd (ddof 1), low and high of the 95 % interval, None where there is none, over n seeds."""

    mean: float
    sd: float
    low: float | None
    high: float | None
    n: int

    @property
    def row(self) -> Row:
        """Return these as columns of a table."""
        return asdict(self)


def over_seeds(own: Measure, values: Sequence[float]) -> OverSeeds:
    """Return what a tidy table says of a sample over seeds."""
    estimate = estimates.mean(values)
    low, high = _ends_of(own.interval(estimate))
    return OverSeeds(mean=estimate.value, sd=pd.Series(values).std(), low=low, high=high, n=len(values))


def estimate_columns(estimate: Estimate) -> Row:
    """Return estimate, low and high of the 95 % interval, two-sided p of 0, and n."""
    low, high = _ends_of(estimate.interval())
    return {"estimate": estimate.value, "low": low, "high": high, "p": estimate.p_value(), "n": estimate.n}


def _ends_of(interval: Interval | None) -> tuple[float | None, float | None]:
    return (interval.low, interval.high) if interval else (None, None)


def estimate_text(own: Measure, estimate: Estimate | None, *, difference: bool = False) -> str:
    """Return an estimate with its interval, as `48.92 [48.10, 49.74]`."""
    if estimate is None:
        return "–"
    interval = own.interval(estimate, difference=difference)
    value = own.show(estimate.value, difference=difference)
    if interval is None:
        return value
    ends = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"{value} [{', '.join(ends)}]"


def interval_text(own: Measure, interval: Interval | None, *, difference: bool = False) -> str:
    """Return an interval as `[48.10, 49.74]`."""
    if interval is None:
        return "–"
    ends = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"[{', '.join(ends)}]"


def range_text(own: Measure, values: Sequence[float]) -> str:
    """Return median, least and greatest as `48.9 (47.1 to 51.2)`."""
    median, least, greatest = (own.show(float(value)) for value in (np.median(values), min(values), max(values)))
    return f"{median} ({least} to {greatest})"


def unreached_text(collection: Collection, variant: str, path: str) -> str:
    """Return how many runs never reached a censored measure's event; nothing where all did."""
    ended = len(collection.unreached(variant, path))
    return (
        f"not reached in {collection.epochs(variant)} epochs by {ended} of {len(collection.of(variant))}"
        if ended
        else ""
    )


def p_text(p: float | None) -> str:
    """Return a p value to two digits, never 0."""
    if p is None:
        return "–"
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def fewer(estimate: Estimate | None, n: int) -> str:
    """Return an estimate's own n where it has fewer runs than its column says."""
    return f" (n = {estimate.n})" if estimate and estimate.n < n else ""


def mean_of(values: Sequence[float]) -> Estimate | None:
    """Return the estimate of the mean over runs; None where no run has a value."""
    return estimates.mean(values) if values else None


def prediction_columns(intervals: Mapping[str, Sequence[float] | None], inside: Mapping[str, bool | None]) -> Row:
    """Return columns of prediction intervals, and of what lies inside them, by evaluation."""
    flat: Row = {}
    for name, interval in intervals.items():
        flat |= ends(f"prediction_interval_{name}", interval)
    return flat | {f"inside_prediction_interval_{name}": value for name, value in inside.items()}


def flat(entry: Mapping[str, Any], prefix: str = "") -> Row:
    """Return an entry of report.json in columns: `a_b` of what is within another, an interval as low and high.

    Of a longer list the columns are its least and greatest value.
    """
    columns: Row = {}
    for key, value in entry.items():
        name = f"{prefix}{key}"
        if name == "variants":
            columns[name] = " ".join(f"{weight:+g}·{variant}" for variant, weight in value.items())
        elif isinstance(value, Mapping):
            columns |= flat(value, f"{name}_")
        elif isinstance(value, list) and len(value) > 2:
            columns |= {f"{name}_least": min(value), f"{name}_greatest": max(value)}
        elif isinstance(value, list):
            columns |= ends(name, value)
        else:
            columns[name] = value
    return columns


def ends(name: str, interval: Sequence[float] | None) -> dict[str, float | None]:
    """Return an interval's columns, None where there is none."""
    return dict(zip((f"{name}_low", f"{name}_high"), interval or (None, None), strict=True))
