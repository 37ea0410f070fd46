"""The runs, each with its folder."""

import dataclasses
from typing import Any

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.sections.cost import costs

TOP1 = "evaluations.intact.top1"


def section(material: Material) -> Section:
    """Return a row for each run."""
    return Section(name="runs", title="Runs", items=(tabulate(material.collection),))


def tabulate(collection: Collection) -> Table:
    """Return a row for each run, with its folder."""
    top1 = {
        (variant, evaluation): collection.figures(variant, TOP1, evaluation)
        for variant in collection.variants
        for evaluation in ("intact", "lesioned")
    }
    rows: list[dict[str, Any]] = []
    for run in collection.runs:
        training, speed, held = costs(run)
        rows.append(
            {
                "variant": run.variant,
                "seed": run.seed,
                "top1": top1[run.variant, "intact"].get(run.seed),
                "top1_lesioned": top1[run.variant, "lesioned"].get(run.seed),
                "training_seconds": training,
                "images_per_second": speed,
                "device_seconds": held,
                "device": run.provenance.device,
                "commit": run.provenance.commit,
                "attempts": len(run.provenance.attempts),
                "hash": run.identity.hash,
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
            "device": row["device"],
            "commit": row["commit"][:12],
            "hash": row["hash"][:12],
        }
        for row in rows
    ]
    made = table("runs", f"Runs: {len(rows)}.", rows, display)
    return dataclasses.replace(made, links=tuple(f"../{cells['run']}/" for cells in display))
