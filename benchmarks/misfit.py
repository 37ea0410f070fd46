"""What could explain that the published ten recalls of the skip model lie beyond ours: what finished runs can say.

python -m benchmarks.misfit --results results --page docs/misfit.md

Reads the runs of jobs/studies/skip.yaml below `--results`, with their arrays, and writes the numbers into the page.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet_study.files import write_atomically
from alexnet_study.report.statistics.joint import joint_rank
from alexnet_study.study.study import Study, load_study

BEGIN, END = "<!-- numbers: made by benchmarks/misfit.py -->", "<!-- end of numbers -->"
BATCH = 256
ORDERS = 20  # random orders of the test images
EVALUATIONS = ("intact", "lesioned")


def recalls(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the recall of each class (C,), a share of the class's images."""
    right = logits.argmax(1) == labels
    return np.array([right[labels == own].mean() for own in range(logits.shape[1])])


def recalls_by_batch(
    logits: NDArray[np.float32], labels: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return recalls (C,) as means over batches in this order, a smaller last batch weighing as much as another."""
    parts = np.split(order, range(BATCH, len(order), BATCH))
    each = [[(logits[part].argmax(1) == labels[part])[labels[part] == own] for own in range(10)] for part in parts]
    table = np.array([[hits.mean() if len(hits) else np.nan for hits in row] for row in each])
    return np.asarray(np.nanmean(table, axis=0))


def published_recalls(study: Study) -> NDArray[np.float64]:
    """Return the published recalls (C,) of the skip model."""
    assert study.published is not None
    (group,) = [group for group in study.published.figures if group.name == "ten recalls"]
    return np.array(group.values["skip"])


def numbers(study: Study, folder: Path, beside: Path) -> str:
    """Return what the finished runs of `folder`, a study's, say of each explanation, as Markdown."""
    runs = sorted(path.parent for path in (folder / "skip").glob("seed-*/summary.json"))
    arrays = [dict(np.load(run / "predictions.npz")) for run in runs]
    summaries = [json.loads((run / "summary.json").read_text()) for run in runs]
    found = {name: np.array([recalls(own[name], own["labels"]) for own in arrays]) for name in EVALUATIONS}  # (n, C)
    vector = published_recalls(study)
    lines = [f"n = {len(runs)} runs of `skip` on the original pixels; recalls in %.", ""]
    lines += _by_class(summaries[0]["classes"], vector, found)
    lines += [
        "",
        *_joint(vector, found),
        *_beside(beside, vector),
        *_batches(arrays),
        *_epochs(runs),
        *_regressors(summaries, vector),
    ]
    return "\n".join(lines)


def _by_class(classes: Sequence[str], vector: NDArray[np.float64], found: dict[str, NDArray[np.float64]]) -> list[str]:
    rows = ["| class | published | intact: mean (least to greatest) | lesioned: mean (least to greatest) |"]
    rows += ["| --- | --- | --- | --- |"]
    for index, name in enumerate(classes):
        cells = [100 * found[evaluation][:, index] for evaluation in EVALUATIONS]
        shown = [f"{own.mean():.1f} ({own.min():.1f} to {own.max():.1f})" for own in cells]
        rows.append(f"| {name} | {100 * vector[index]:.1f} | {' | '.join(shown)} |")
    return rows


def _joint(vector: NDArray[np.float64], found: dict[str, NDArray[np.float64]]) -> list[str]:
    lines = [_ranked(name, vector, own) for name, own in found.items()]
    own = found["lesioned"]
    top = np.argsort(own, axis=1)[:, -2:]
    both = sum(set(pair) == {2, 8} for pair in top.tolist())
    beyond = sum((own[:, 2] >= vector[2]) & (own[:, 8] >= vector[8]))
    lines.append(
        f"- Bird and ship are a lesioned run's two highest recalls in {both} of {len(own)} runs; both are at least as "
        f"high as published in {beyond}."
    )
    return lines


def _ranked(name: str, vector: NDArray[np.float64], own: NDArray[np.float64]) -> str:
    rank = joint_rank(vector, own)
    if rank is None:
        return f"- {name}: too few runs (n = {len(own)}) to rank the ten jointly."
    outcome = "fits" if rank.fits() and rank.p > rank.floor else "lies farther than every run"
    return (
        f"- {name}, the ten jointly: {outcome}; p = {rank.p:.3f}, the least possible {rank.floor:.3f} (n = {rank.n})."
    )


def _beside(folder: Path, vector: NDArray[np.float64]) -> list[str]:
    """Return the same rank of a study without arrays: the recalls are those of its summaries."""
    summaries = [json.loads(path.read_text()) for path in sorted((folder / "skip").glob("seed-*/summary.json"))]
    own = np.array([found["evaluations"]["lesioned"]["recall"] for found in summaries]).reshape(-1, len(vector))
    return [_ranked(f"lesioned, of {folder.name}", vector, own)]


def _batches(arrays: Sequence[dict[str, NDArray[np.float32]]]) -> list[str]:
    moved, shuffled = 0.0, 0.0
    rng = np.random.default_rng(0)
    for own in arrays:
        labels = own["labels"].astype(np.int64)
        plain = recalls(own["lesioned"], labels)
        orders = [np.arange(len(labels)), *(rng.permutation(len(labels)) for _ in range(ORDERS))]
        shifts = [np.abs(recalls_by_batch(own["lesioned"], labels, order) - plain).max() for order in orders]
        moved, shuffled = max(moved, shifts[0]), max(shuffled, *shifts[1:])
    return [
        f"- A mean over batches of {BATCH} instead of images moves no lesioned recall by more than {100 * moved:.2f} "
        f"points in the files' order, and by no more than {100 * shuffled:.2f} in {ORDERS} random orders of each run."
    ]


def _epochs(runs: Sequence[Path]) -> list[str]:
    curves = [
        [json.loads(line)["test_top1"] for line in (run / "metrics.jsonl").read_text().splitlines()] for run in runs
    ]
    best = [int(np.argmax(curve)) for curve in curves]
    last = [index == len(curve) - 1 for index, curve in zip(best, curves, strict=True)]
    lost = max(max(curve) - curve[-1] for curve in curves)
    return [
        f"- The best epoch is the last in {sum(last)} of {len(runs)} runs; elsewhere it is at most {100 * lost:.2f} "
        "points of top-1 better."
    ]


def _regressors(
    summaries: Sequence[dict[str, dict[str, dict[str, dict[str, float]]]]], vector: NDArray[np.float64]
) -> list[str]:
    own = 100 * np.array([found["linear_regressor"]["lesioned"]["published"]["top1"] for found in summaries])
    return [
        "- Linear regressor by the published protocol on lesioned features: top-1 "
        f"{own.mean():.1f} ({own.min():.1f} to {own.max():.1f}), where the published recalls have a mean of "
        f"{100 * vector.mean():.2f}."
    ]


def main() -> None:
    """Write the numbers between the page's marks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("jobs/studies/skip.yaml"), metavar="FILE")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--page", type=Path, default=Path("docs/misfit.md"), metavar="FILE")
    parser.add_argument(
        "--beside", type=Path, default=Path("results/reference/skip_jpeg"), metavar="DIR", help="a study's folder"
    )
    arguments = parser.parse_args()
    study = load_study(arguments.study)
    head, _, rest = arguments.page.read_text(encoding="utf-8").partition(BEGIN)
    made = numbers(study, arguments.results / study.name, arguments.beside)
    write_atomically(arguments.page, f"{head}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}".encode())


if __name__ == "__main__":
    main()
