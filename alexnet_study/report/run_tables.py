"""Tables of what the arrays say, of what the runs cost, and of the runs themselves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from alexnet_study.report.arrays import Findings, interval_of
from alexnet_study.report.audit_tables import interval_text
from alexnet_study.report.collect import Collection, Run
from alexnet_study.report.measures import Measure, measure
from alexnet_study.report.tables import Table, heading, p_text, range_text, table

TOP1 = "evaluations.intact.top1"


def spread(collection: Collection, findings: Findings) -> Table:
    """The spread of accuracy over seeds, split."""
    display = [
        {
            "variant": _name(row),
            "sd over seeds, points": f"{100 * row['total'] ** 0.5:.2f}",
            "variance over seeds, points²": _squared(row["total"]),
            "of single test images": _squared(row["images"]),
            "of the seed as a whole": _squared(row["seeds"]),
            "n": row["n"],
        }
        for row in findings.numbers["spread"]
    ]
    caption = (
        "Spread of test top-1 over n seeds: the part left were test images right or wrong independently of each "
        "other, and the rest, which a seed moves as a whole. A negative rest is shown as it is."
    )
    return table("spread", caption, findings.numbers["spread"], display)


def bootstrap(collection: Collection, findings: Findings) -> Table:
    """A second opinion on differences of top-1."""
    rows = findings.numbers["bootstrap"]
    means = {
        group: np.mean(list(collection.figures(group[0], TOP1, group[1]).values())) for group in collection.evaluations
    }
    display = []
    for row in rows:
        a, b = (row["variant"], row["evaluation"]), (row["less_variant"], row["less_evaluation"])
        own = measure(TOP1)
        display.append(
            {
                "difference of test top-1": f"{_name(row)} − {_name({'variant': b[0], 'evaluation': b[1]})}",
                "estimate, points": own.show(float(means[a] - means[b]), difference=True),
                "95 % bootstrap interval": interval_text(own, interval_of(row), difference=True),
                "n": f"{row['n']} seeds, {row['images']} images",
            }
        )
    caption = (
        "Second opinion: crossed bootstrap, seeds and test images drawn again, images and seeds shared by all "
        "variants. Drawn from few seeds, its percentile interval is too narrow: the t interval is the one to quote."
    )
    return table("bootstrap", caption, rows, display)


def calibration(collection: Collection, findings: Findings) -> Table:
    """Confidence and accuracy in 15 bins."""
    display = []
    frame = findings.numbers["calibration"]
    for number in sorted({row["bin"] for row in frame}):
        cells: dict[str, Any] = {"confidence": f"{(number - 1) / 15:.2f} to {number / 15:.2f}"}
        for row in (row for row in frame if row["bin"] == number):
            shown = "–" if row["accuracy"] is None else f"{100 * row['accuracy']:.1f} ({100 * row['share']:.1f})"
            cells[heading(collection, row["variant"], row["evaluation"])] = shown
        display.append(cells)
    caption = (
        "Calibration: accuracy, %, of the test images of each confidence, and in brackets their share, %; the "
        "test images of n seeds pooled."
    )
    return table("calibration", caption, frame, display)


def alignment(collection: Collection, findings: Findings) -> Table:
    """Likeness of feature spaces between variants and between seeds."""
    tests = {row["variant"]: row for row in findings.numbers["alignment_tests"]}
    first = collection.variants[0]
    display = []
    for row in findings.numbers["alignment"]:
        other = {"variant": row["other_variant"], "evaluation": row["other_evaluation"]}
        intact = row["evaluation"] == row["other_evaluation"] == "intact"
        least, greatest = row["least"], row["greatest"]
        test = tests.get(row["variant"]) if intact and row["other_variant"] == first != row["variant"] else None
        display.append(
            {
                "features of": f"{_name(row)} and {_name(other)}",
                "alignment, different seeds": f"{row['different_seeds']:.3f} ({least:.3f} to {greatest:.3f})",
                "same seed": "–" if row["same_seed"] is None else f"{row['same_seed']:.3f}",
                "within less between": f"{test['within_less_between']:.3f}, p {p_text(test['p'])}" if test else "–",
                "n": row["n"],
            }
        )
    caption = (
        "Centred kernel alignment (debiased) of the features of 1,000 fixed test images: 1 alike but for rotation "
        "and scale, 0 unrelated. Mean (least to greatest) over pairs of different seeds; beside a variant with "
        "itself, that is the alignment between seeds. p: variants swapped within seeds, not part of the claims' "
        "correction."
    )
    return table("alignment", caption, findings.numbers["alignment"], display)


def procrustes(collection: Collection, findings: Findings) -> Table:
    """Residuals of aligned PCA scores."""
    first = collection.variants[0]
    display = [
        {
            "scores of": _name(row)
            + (", between seeds" if (row["variant"], row["evaluation"]) == (first, "intact") else ""),
            f"residual on {first}'s": f"{row['residual']:.3f} ({row['least']:.3f} to {row['greatest']:.3f})",
            "n": row["n"],
        }
        for row in findings.numbers["procrustes"]
    ]
    caption = (
        "Two PCA scores of all test images after Procrustes alignment: share of variance left, mean (least to "
        "greatest) over pairs of different seeds."
    )
    return table("procrustes", caption, findings.numbers["procrustes"], display)


def cost(collection: Collection) -> Table:
    """Time of the runs."""
    figures: dict[str, Measure] = {
        "training, seconds a run": Measure(label="", digits=1),
        "images per second of training": Measure(label="", digits=0),
        "whole run, device-seconds": Measure(label="", digits=1),
    }
    rows, display = [], []
    for variant in collection.variants:
        runs = collection.of(variant)
        cells: dict[str, Any] = {"variant": heading(collection, variant), "device": ", ".join(_devices(runs))}
        columns = zip(*(_costs(run) for run in runs), strict=True)
        for (name, own), values in zip(figures.items(), columns, strict=True):
            known = [value for value in values if value is not None]
            if known:
                extent = {"median": np.median(known), "least": min(known), "greatest": max(known), "n": len(known)}
                rows.append({"variant": variant, "figure": name, **extent})
            cells[name] = range_text(own, known) if known else "–"
        display.append(cells)
    total = sum(value for run in collection.runs if (value := _costs(run)[2]) is not None)
    caption = (
        "Cost: median (least to greatest) over n runs, since a run beside other work on its machine takes longer; "
        "device-seconds are wall time while the run held its device. "
        f"All {len(collection.runs)} runs: {total / 3600:.2f} device-hours."
    )
    return table("cost", caption, rows, display)


def runs(collection: Collection) -> Table:
    """A row a run, with its folder."""
    rows = []
    for run in collection.runs:
        training, speed, held = _costs(run)
        rows.append(
            {
                "variant": run.variant,
                "seed": run.seed,
                "top1": run.figure(TOP1),
                "top1_lesioned": run.figure(TOP1, "lesioned"),
                "training_seconds": training,
                "images_per_second": speed,
                "device_seconds": held,
                "device": run.provenance.get("device"),
                "commit": run.provenance.get("commit"),
                "attempts": len(run.provenance["attempts"]),
                "hash": run.config["hash"],
            }
        )
    own = measure(TOP1)
    display = [
        {
            "run": f"{row['variant']}/seed-{row['seed']}",
            "top-1, %": own.show(row["top1"]),
            "lesioned, %": own.show(row["top1_lesioned"]),
            "training, s": f"{row['training_seconds']:.1f}",
            "images/s": f"{row['images_per_second']:.0f}",
            "attempts": row["attempts"],
            "device": str(row["device"]),
            "commit": str(row["commit"])[:12],
            "hash": row["hash"][:12],
        }
        for row in rows
    ]
    return table("runs", f"Runs: {len(rows)}.", rows, display)


def environment(collection: Collection) -> Table:
    """What the runs have in common: data, recipe, code, versions."""
    first = collection.runs[0]
    source = first.provenance.get("source", {})
    facts: dict[str, Any] = {
        "data": f"{source.get('name', 'unknown')}, content hash {first.config['dataset'][:16]}",
        "test images": collection.test_images,
        "recipe": _pairs(first.config["recipe"]),
        "threads, numerics": f"{first.config['threads']}, {first.config['numerics']}",
        "devices": ", ".join(_devices(collection.runs)),
        "commits": ", ".join(sorted({str(run.provenance.get("commit"))[:12] for run in collection.runs})),
        "images": ", ".join(sorted({str(run.provenance.get("image") or "none") for run in collection.runs})),
        "versions": _pairs(first.provenance.get("versions", {})),
    }
    rows = [{"what": name, "value": str(value)} for name, value in facts.items()]
    return table("environment", "Provenance, of the first run where runs may differ.", rows, rows)


def _costs(run: Run) -> tuple[float, float, float | None]:
    """Training seconds, images per second over them, device-seconds."""
    seconds = sum(record["seconds"] for record in run.metrics)
    images = sum(record["seconds"] * record["images_per_second"] for record in run.metrics)
    held = run.provenance.get("device_seconds")
    return seconds, images / seconds if seconds else 0.0, held if isinstance(held, int | float) else None


def _devices(found: list[Run]) -> list[str]:
    return sorted({str(run.provenance.get("device")) for run in found})


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _name(row: Mapping[str, Any]) -> str:
    return row["variant"] if row["evaluation"] == "intact" else f"{row['variant']}, {row['evaluation']}"


def _squared(variance: float) -> str:
    return f"{1e4 * variance:.3f}".replace("-", "−")


def empty(found: Table) -> bool:
    """Whether a table has nothing to say."""
    return pd.DataFrame(found.display).empty
