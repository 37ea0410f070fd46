"""Tidy tables of a study's runs: a row an observation in CSV at full precision, a compact form for readers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from alexnet_study.files import write_atomically
from alexnet_study.report.collect import Collection, Run

PERCENT = ("top1", "top3", "train_top1", "linear_published_top1", "linear_closed_form_top1", "pc1", "pc2", "ece")
LABELS = {
    "top1": "test top-1, %",
    "top3": "test top-3, %",
    "loss": "test loss, nats",
    "train_loss": "training loss, running mean of the last epoch, nats",
    "train_top1": "training top-1, running mean of the last epoch, %",
    "train_eval_loss": "training loss, evaluation mode, nats",
    "gap_published": "gap as published, training − test loss, nats",
    "gap_proper": "proper gap, test − evaluation-mode training loss, nats",
    "ece": "expected calibration error, %",
    "linear_published_top1": "linear regressor, published protocol, top-1, %",
    "linear_closed_form_top1": "linear regressor, closed form, top-1, %",
    "pc1": "variance explained by PC1, %",
    "pc2": "variance explained by PC2, %",
    "participation_ratio": "participation ratio",
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A tidy frame, and the strings that readers see."""

    name: str
    caption: str
    tidy: pd.DataFrame
    display: pd.DataFrame

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


def build_tables(collection: Collection) -> list[Table]:
    """All tables of a report."""
    return [comparison(collection), recall(collection), learning_curves(collection), separability(collection)]


def comparison(collection: Collection) -> Table:
    """Mean, standard deviation (ddof 1) and n over seeds of every scalar, for each variant and evaluation."""
    rows = [
        {"variant": run.variant, "evaluation": evaluation, "seed": run.seed, "metric": metric, "value": value}
        for run in collection.runs
        for evaluation in run.evaluations
        for metric, value in scalars(run, evaluation).items()
    ]
    tidy = _over_seeds(pd.DataFrame(rows), ["variant", "evaluation", "metric"])
    columns = {}
    for _, group in tidy.groupby(["variant", "evaluation"], sort=False):
        cells = {row["metric"]: _mean_and_sd(row, row["metric"] in PERCENT) for row in group.to_dict("records")}
        columns[_column(group)] = [cells.get(metric, "–") for metric in LABELS]
    display = pd.DataFrame({"figure": list(LABELS.values()), **columns})
    caption = "Comparison of variants: mean ± standard deviation over seeds; n is the number of seeds."
    return Table(name="comparison", caption=caption, tidy=tidy, display=display)


def recall(collection: Collection) -> Table:
    """Recall of each class."""
    rows = [
        {"variant": run.variant, "evaluation": evaluation, "seed": run.seed, "class": name, "value": value}
        for run in collection.runs
        for evaluation in run.evaluations
        for name, value in zip(collection.classes, run.summary["evaluations"][evaluation]["recall"], strict=True)
    ]
    caption = "Recall of each class on the test set, %: mean ± standard deviation over seeds."
    return _pivot("recall", caption, pd.DataFrame(rows), "class", percent=True)


def separability(collection: Collection) -> Table:
    """Top-1 of the closed-form linear regressor at every stage."""
    rows = [
        {"variant": run.variant, "evaluation": evaluation, "seed": run.seed, "stage": stage, "value": figures["top1"]}
        for run in collection.runs
        for evaluation in run.evaluations
        for stage, figures in run.summary["linear_regressor"][evaluation]["by_stage"].items()
    ]
    caption = "Linear separability against depth: test top-1 of the closed-form linear regressor, %, mean ± sd."
    return _pivot("separability", caption, pd.DataFrame(rows), "stage", percent=True)


def learning_curves(collection: Collection) -> Table:
    """Every epoch's line of every run; shown as test top-1."""
    rows = [{"variant": run.variant, "seed": run.seed, **record} for run in collection.runs for record in run.metrics]
    frame = pd.DataFrame(rows)
    shown = frame.assign(evaluation="intact", value=frame["test_top1"])
    shown = shown[["variant", "evaluation", "seed", "epoch", "value"]]
    caption = "Learning curves: test top-1 after each epoch (from 0), %, mean ± sd; the CSV holds every figure."
    compact = _pivot("learning_curves", caption, shown, "epoch", percent=True)
    return Table(name=compact.name, caption=caption, tidy=frame, display=compact.display)


def scalars(run: Run, evaluation: str) -> dict[str, float]:
    """The scalar figures of one evaluation of a run, those of training with the intact one; fractions in [0, 1]."""
    figures, regressor = run.summary["evaluations"][evaluation], run.summary["linear_regressor"][evaluation]
    last, gap = run.metrics[-1], run.summary["gap"]
    values = {name: figures[name] for name in ("top1", "top3", "loss", "ece")}
    if evaluation == "intact":
        values |= {name: last[name] for name in ("train_loss", "train_top1", "train_eval_loss")}
        values |= {"gap_published": gap["published"], "gap_proper": gap["proper"]}
    ratio = figures["pca"]["explained_variance_ratio"]
    values |= {
        "linear_published_top1": regressor["published"]["top1"],
        "linear_closed_form_top1": regressor["closed_form"]["top1"],
        "pc1": ratio[0],
        "pc2": ratio[1] if len(ratio) > 1 else None,
        "participation_ratio": figures["pca"]["participation_ratio"],
    }
    return {name: value for name, value in values.items() if value is not None}


def _over_seeds(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    grouped = frame.groupby(keys, sort=False)["value"]
    return grouped.agg(mean="mean", sd="std", n="count").reset_index()


def _pivot(name: str, caption: str, frame: pd.DataFrame, key: str, *, percent: bool) -> Table:
    """A row a value of `key`, a column a variant and evaluation."""
    tidy = _over_seeds(frame, ["variant", "evaluation", key])
    columns = {
        _column(group): {row[key]: _mean_and_sd(row, percent) for row in group.to_dict("records")}
        for _, group in tidy.groupby(["variant", "evaluation"], sort=False)
    }
    keys = list(dict.fromkeys(tidy[key]))
    body = {label: [cells.get(value, "–") for value in keys] for label, cells in columns.items()}
    return Table(name=name, caption=caption, tidy=tidy, display=pd.DataFrame({key: [str(k) for k in keys], **body}))


def _column(group: pd.DataFrame) -> str:
    """The heading of one variant's evaluation, with its n."""
    variant, evaluation = group["variant"].iloc[0], group["evaluation"].iloc[0]
    return f"{variant if evaluation == 'intact' else f'{variant}, {evaluation}'} (n = {group['n'].max()})"


def _mean_and_sd(row: dict[Any, Any], percent: bool) -> str:
    scale, digits = (100, 2) if percent else (1, 4)
    if pd.isna(row["mean"]):
        return "–"
    mean = f"{row['mean'] * scale:.{digits}f}"
    return mean if pd.isna(row["sd"]) else f"{mean} ± {row['sd'] * scale:.{digits}f}"


def _escape(text: str) -> str:
    for plain, latex in (("%", r"\%"), ("_", r"\_"), ("&", r"\&"), ("#", r"\#"), ("±", r"$\pm$"), ("−", "$-$")):
        text = text.replace(plain, latex)
    return text
