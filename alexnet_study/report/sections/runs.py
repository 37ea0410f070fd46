"""The runs, each with its folder."""

import dataclasses

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
        (variant, evaluation): collection.values.of(variant, TOP1, evaluation)
        for variant in collection.variants
        for evaluation in ("intact", "lesioned")
    }
    rows, display = [], []
    own = measure(TOP1)
    for run in collection.runs:
        training, speed, held = costs(run)
        intact, lesioned = (top1[run.variant, name].get(run.seed) for name in ("intact", "lesioned"))
        attempts, device, commit = len(run.provenance.attempts), run.provenance.device, run.provenance.commit
        rows.append(
            {
                "variant": run.variant,
                "seed": run.seed,
                "top1": intact,
                "top1_lesioned": lesioned,
                "training_seconds": training,
                "images_per_second": speed,
                "device_seconds": held,
                "device": device,
                "commit": commit,
                "attempts": attempts,
                "hash": run.identity.hash,
            }
        )
        display.append(
            {
                "run": f"{run.variant}/seed-{run.seed}",
                "top-1, %": own.show(intact),
                "lesioned, %": own.show(lesioned),
                "training, s": f"{training:.1f}",
                "images/s": f"{speed:.0f}",
                "attempts": attempts,
                "device": device,
                "commit": commit[:12],
                "hash": run.identity.hash[:12],
            }
        )
    made = table("runs", f"Runs: {len(rows)}.", rows, display)
    return dataclasses.replace(made, links=tuple(f"../{cells['run']}/" for cells in display))
