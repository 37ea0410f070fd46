"""Tidy tables of a study's runs: a row an observation in CSV at full precision, a compact form for readers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alexnet_study.files import write_atomically
from alexnet_study.report.collect import Collection, Run
from alexnet_study.report.measures import MEASURES, PLATEAU, Measure, in_evaluation, measure
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Estimate
from alexnet_study.report.statistics.resampling import max_t
from alexnet_study.report.verdicts import class_differences, compare
from alexnet_study.study.configs import BRANCHES, CONV_NAMES

LATEX = {"\\": r"\textbackslash{}", "%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}
SYMBOLS = {"−": "$-$", "±": r"$\pm$", "×": r"$\times$", "Σ": r"$\Sigma$", "λ": r"$\lambda$", "²": r"$^2$", "–": "--"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A tidy frame, and the strings that readers see. notes: what the page says under each row's first cell."""

    name: str
    caption: str
    tidy: pd.DataFrame
    display: pd.DataFrame
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The compact form as a Markdown table."""
        rows = [list(self.display.columns), ["---"] * self.display.shape[1], *self.display.values.tolist()]
        return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"

    def latex(self) -> str:
        """The compact form as a LaTeX tabular."""
        escaped = self.display.rename(columns=_escape).map(_escape)
        return str(escaped.to_latex(index=False, escape=False))

    def write(self, folder: Path) -> None:
        """NAME.csv, NAME.md and NAME.tex in `folder`."""
        contents = {"csv": self.tidy.to_csv(index=False), "md": self.markdown(), "tex": self.latex()}
        for ending, text in contents.items():
            write_atomically(folder / f"{self.name}.{ending}", text.encode())


def table(name: str, caption: str, tidy: Iterable[dict[str, Any]], display: Iterable[dict[str, Any]]) -> Table:
    """A table from its rows."""
    return Table(name=name, caption=caption, tidy=pd.DataFrame(list(tidy)), display=pd.DataFrame(list(display)))


def comparison(collection: Collection) -> Table:
    """Every scalar figure of each variant and evaluation over seeds."""
    rows, display = [], []
    for path, own in MEASURES.items():
        cells: dict[str, Any] = {"figure": label(own)}
        for variant, evaluation in collection.evaluations:
            values = list(collection.figures(variant, path, evaluation).values())
            estimate = estimates.mean(values) if values else None
            if estimate:
                at = {"variant": variant, "evaluation": evaluation, "metric": in_evaluation(path, evaluation)}
                rows.append({**at, **over_seeds(values)})
            text = estimate_text(own, estimate) + _fewer(estimate, len(collection.of(variant)))
            cells[heading(collection, variant, evaluation)] = text
        display.append(cells)
    caption = "Comparison of variants: mean [95 % t interval] over n seeds."
    return table("comparison", caption, rows, display)


def differences(collection: Collection) -> Table:
    """Every scalar figure of each later variant less the first's."""
    first, *others = collection.variants
    rows = []
    display: list[dict[str, Any]] = [{"figure": label(own, difference=True)} for own in MEASURES.values()]
    for other in others:
        estimates = []
        for path in MEASURES:
            values = {variant: collection.figures(variant, path) for variant in (other, first)}
            found = compare(collection, {other: 1.0, first: -1.0}, values)
            estimates.append(found[0] if found else None)
            if found:
                at = {"variant": other, "less_variant": first, "metric": path, "paired": found[1]}
                rows.append({**at, **estimate_columns(found[0])})
        most = max((estimate.n for estimate in estimates if estimate), default=0)
        for cells, own, estimate in zip(display, MEASURES.values(), estimates, strict=True):
            text = estimate_text(own, estimate, difference=True) + _fewer(estimate, most)
            cells[f"{other} − {first} (n = {most})"] = text
    caption = (
        "Differences from the first variant, intact: mean [95 % t interval], paired by seed where both start from "
        "the same weights and see the same order. One interval at a time; only the claims above are corrected for "
        "their number."
    )
    return table("differences", caption, rows, display)


def recall(collection: Collection) -> Table:
    """Recall of each class; for later variants, the difference from the first and its joint p."""
    first, *others = collection.variants
    parent = "evaluations.intact.recall"
    joint = {other: _joint(collection, {other: 1.0, first: -1.0}, parent) for other in others}
    rows, display = [], []
    for index, name in enumerate(collection.classes):
        path = f"{parent}.{name}"
        cells: dict[str, Any] = {"class": name}
        for variant, evaluation in collection.evaluations:
            values = list(collection.figures(variant, path, evaluation).values())
            estimate = estimates.mean(values) if values else None
            if estimate:
                at = {"variant": variant, "evaluation": evaluation, "class": name}
                rows.append({**at, **over_seeds(values)})
            cells[heading(collection, variant, evaluation)] = estimate_text(measure(path), estimate)
        for other, (means, p_values, n) in joint.items():
            text = f"{measure(path).show(means[index], difference=True)}, p {p_text(p_values[index])}" if n > 1 else "–"
            cells[f"{other} − {first}, joint p (n = {n})"] = text
        display.append(cells)
    caption = (
        "Recall of each class on the test set, %: mean [95 % t interval] over n seeds; differences in points, "
        "intact, with two-sided p adjusted over all classes by joint sign flips (max-T)."
    )
    return table("recall", caption, rows, display)


def learning_curves(collection: Collection) -> Table:
    """Every epoch's line of every run; shown as test top-1."""
    rows = [{"variant": run.variant, "seed": run.seed, **record} for run in collection.runs for record in run.metrics]
    epochs = max(len(run.metrics) for run in collection.runs)
    display = []
    for epoch in range(epochs):
        cells: dict[str, Any] = {"epochs trained": str(epoch + 1)}
        for variant in collection.variants:
            curves = [run.metrics for run in collection.of(variant) if len(run.metrics) > epoch]
            values = [curve[epoch]["test_top1"] for curve in curves]
            own = measure("evaluations.intact.top1")
            cells[heading(collection, variant)] = estimate_text(own, estimates.mean(values) if values else None)
        display.append(cells)
    caption = (
        "Learning curves: test top-1, %, mean [95 % t interval] over n seeds; the CSV holds every figure of every run."
    )
    return table("learning_curves", caption, rows, display)


def plateau(collection: Collection) -> Table:
    """When the runs of each variant leave the plateau that training starts on."""
    rows, display = [], []
    loss = Measure(label="", digits=3)
    for variant in collection.variants:
        runs = collection.of(variant)
        left = list(collection.figures(variant, "derived.plateau_epochs").values())
        after_one = [run.metrics[0]["test_loss"] for run in runs]
        extent = {"median": np.median(left), "least": min(left), "greatest": max(left)} if left else {}
        rows.append({"variant": variant, **extent, "left": len(left), "n": len(runs), **_prefixed(after_one)})
        display.append(
            {
                "variant": variant,
                "epochs until it is left": range_text(Measure(label="", digits=1), left) if left else "–",
                "runs that left it": f"{len(left)} of {len(runs)}",
                "test loss after the first epoch, nats": estimate_text(loss, estimates.mean(after_one)),
                "n": len(runs),
            }
        )
    guess = math.log(len(collection.classes))
    caption = (
        f"The initial plateau: a run has left it after the first epoch that ends with a test loss under "
        f"{100 * PLATEAU:g} % of ln {len(collection.classes)} (under {PLATEAU * guess:.3f}; a guess among the classes "
        f"has {guess:.3f} nats). Median (least to greatest), in whole epochs, over the runs that left it; the loss, "
        "which tells apart variants that leave it in the same epoch, is a mean [95 % t interval] over n seeds."
    )
    return table("plateau", caption, rows, display)


def _prefixed(losses: Sequence[float]) -> dict[str, Any]:
    return {f"first_test_loss_{name}": value for name, value in over_seeds(losses).items() if name != "n"}


def separability(collection: Collection) -> Table:
    """Top-1 of the closed-form linear regressor at every stage."""
    rows, display = [], []
    for stage in stages(collection):
        cells: dict[str, Any] = {"stage": stage}
        for variant, evaluation in collection.evaluations:
            values = stage_values(collection, variant, evaluation, stage)
            if values:
                rows.append({"variant": variant, "evaluation": evaluation, "stage": stage, **over_seeds(values)})
            own = measure("evaluations.intact.top1")
            cells[heading(collection, variant, evaluation)] = estimate_text(
                own, estimates.mean(values) if values else None
            )
        display.append(cells)
    caption = (
        "Linear separability against depth: test top-1, %, of the closed-form linear regressor on each stage, "
        "averaged down to 4×4; mean [95 % t interval] over n seeds."
    )
    return table("separability", caption, rows, display)


def stages(collection: Collection) -> list[str]:
    """Return all stages of all variants, in the order of depth; one that the report does not know is last."""
    found = {stage for run in collection.runs for evaluation in run.evaluations for stage in _by_stage(run, evaluation)}
    known = [stage for name in CONV_NAMES for stage in (BRANCHES[name], name)]
    return [stage for stage in known if stage in found] + sorted(found - set(known))


def stage_values(collection: Collection, variant: str, evaluation: str, stage: str) -> list[float]:
    """Top-1 of a stage's regressor in each run; empty where the variant has no such stage."""
    regressors = [_by_stage(run, evaluation) for run in collection.of(variant)]
    return [stages[stage]["top1"] for stages in regressors if stage in stages]


def _by_stage(run: Run, evaluation: str) -> dict[str, Any]:
    """Return the regressors of each stage; none where the run has not recorded them."""
    found: dict[str, Any] = run.summary.get("linear_regressor", {}).get(evaluation, {}).get("by_stage", {})
    return found


def heading(collection: Collection, variant: str, evaluation: str = "intact") -> str:
    """A column's heading: one variant's evaluation, with its n."""
    name = variant if evaluation == "intact" else f"{variant}, {evaluation}"
    return f"{name} (n = {len(collection.of(variant))})"


def label(own: Measure, *, difference: bool = False) -> str:
    """A figure's name with its unit."""
    unit = own.unit_of(difference=difference)
    return f"{own.label}, {unit}" if unit else own.label


def over_seeds(values: Sequence[float]) -> dict[str, Any]:
    """mean, sd (ddof 1), low and high of the 95 % interval, and n."""
    estimate = estimates.mean(values)
    return {"mean": estimate.value, "sd": pd.Series(values).std(), **_interval_columns(estimate), "n": len(values)}


def estimate_columns(estimate: Estimate) -> dict[str, Any]:
    """estimate, low and high of the 95 % interval, two-sided p of 0, and n."""
    return {
        "estimate": estimate.value,
        **_interval_columns(estimate),
        "p": estimate.p_value(),
        "n": estimate.n,
    }


def estimate_text(own: Measure, estimate: Estimate | None, *, difference: bool = False) -> str:
    """`48.92 [48.10, 49.74]`"""
    if estimate is None:
        return "–"
    interval = estimate.interval()
    value = own.show(estimate.value, difference=difference)
    if interval is None:
        return value
    ends = (own.show(end, difference=difference) for end in (interval.low, interval.high))
    return f"{value} [{', '.join(ends)}]"


def range_text(own: Measure, values: Sequence[float]) -> str:
    """`48.9 (47.1 to 51.2)`: median, least and greatest."""
    median, least, greatest = (own.show(float(value)) for value in (np.median(values), min(values), max(values)))
    return f"{median} ({least} to {greatest})"


def p_text(p: float | None) -> str:
    """A p value to two digits, never 0."""
    if p is None:
        return "–"
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _fewer(estimate: Estimate | None, n: int) -> str:
    """An estimate's own n where it has fewer runs than its column says."""
    return f" (n = {estimate.n})" if estimate and estimate.n < n else ""


def _interval_columns(estimate: Estimate) -> dict[str, Any]:
    interval = estimate.interval()
    return {"low": interval.low if interval else None, "high": interval.high if interval else None}


def _joint(collection: Collection, weights: dict[str, float], parent: str) -> tuple[list[float], list[float], int]:
    """Mean differences of the classes, their joint p, and n."""
    found = class_differences(collection, weights, parent)
    if len(found) < 2:
        return [], [], len(found)
    return found.mean(0).tolist(), max_t(found).tolist(), len(found)


def _escape(text: object) -> str:
    return "".join({**LATEX, **SYMBOLS}.get(letter, letter) for letter in str(text))
