"""What the runs cost."""

from collections.abc import Sequence

import numpy as np

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import Measure
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row, heading, range_text
from alexnet_study.report.run import Run


def section(material: Material) -> Section:
    """Return the time that the runs took."""
    return Section(name="cost", title="Cost", items=(tabulate(material.collection),))


def tabulate(collection: Collection) -> Table:
    """Return how long the runs of each variant took, and how fast they trained."""
    shown: dict[str, Measure] = {
        "training, seconds a run": Measure(label="", digits=1),
        "images per second of training": Measure(label="", digits=0),
        "whole run, device-seconds": Measure(label="", digits=1),
    }
    rows, display = [], []
    for variant in collection.variants:
        runs = collection.of(variant)
        cells: Row = {"variant": heading(collection, variant), "device": ", ".join(devices(runs))}
        columns = zip(*(costs(run) for run in runs), strict=True)
        for (name, own), values in zip(shown.items(), columns, strict=True):
            extent = {"median": np.median(values), "least": min(values), "greatest": max(values), "n": len(values)}
            rows.append({"variant": variant, "figure": name, **extent})
            cells[name] = range_text(own, values)
        display.append(cells)
    total = sum(costs(run)[2] for run in collection.runs)
    caption = (
        "Cost: median (least to greatest) over n runs, since a run beside other work on its machine takes longer; "
        "device-seconds are wall time while the run held its device. "
        f"All {len(collection.runs)} runs: {total / 3600:.2f} device-hours."
    )
    return table("cost", caption, rows, display)


def costs(run: Run) -> tuple[float, float, float]:
    """Return training seconds, images per second over them, device-seconds."""
    seconds = sum(record.seconds for record in run.epochs)
    images = sum(record.seconds * record.images_per_second for record in run.epochs)
    return seconds, images / seconds if seconds else 0.0, run.provenance.device_seconds


def devices(found: Sequence[Run]) -> list[str]:
    """Return the devices of runs, each once."""
    return sorted({run.provenance.device for run in found})
