"""The runs, each with its folder."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row
from alexnet_study.report.run import Run
from alexnet_study.report.sections.cost import costs

TOP1 = "evaluations.intact.top1"


def section(material: Material) -> Section:
    """Return a row for each run."""
    return Section(name="runs", title="Runs", items=(tabulate(material.collection),))


def tabulate(collection: Collection) -> Table:
    """Return a row for each run, with its folder."""
    groups = [(variant, evaluation) for variant in collection.variants for evaluation in ("intact", "lesioned")]
    top1 = {group: collection.values.of(group[0], TOP1, group[1]) for group in groups}
    rows = [_row(run, top1) for run in collection.runs]
    display = [_cells(row) for row in rows]
    made = table("runs", f"Runs: {len(rows)}.", rows, display)
    return dataclasses.replace(made, links=tuple(f"../{cells['run']}/" for cells in display))


def _row(run: Run, top1: Mapping[tuple[str, str], Mapping[int, float]]) -> dict[str, Any]:
    training, speed, held = costs(run)
    intact, lesioned = (top1[run.variant, name].get(run.seed) for name in ("intact", "lesioned"))
    return {
        "variant": run.variant,
        "seed": run.seed,
        "top1": intact,
        "top1_lesioned": lesioned,
        "training_seconds": training,
        "images_per_second": speed,
        "device_seconds": held,
        "device": run.provenance.device,
        "commit": run.provenance.commit,
        "attempts": len(run.provenance.attempts),
        "hash": run.identity.hash,
    }


def _cells(row: dict[str, Any]) -> Row:
    own = measure(TOP1)
    return {
        "run": f"{row['variant']}/seed-{row['seed']}",
        "top-1, %": own.show(row["top1"]),
        "lesioned, %": own.show(row["top1_lesioned"]),
        "training, s": f"{row['training_seconds']:.1f}",
        "images/s": f"{row['images_per_second']:.0f}",
        "attempts": row["attempts"],
        "device": row["device"],
        "commit": row["commit"][:12],
        "hash": row["hash"][:12],
    }
