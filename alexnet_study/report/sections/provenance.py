"""What the runs have in common, and how to make them and their report again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.sections.cost import devices

LICENCE = "MIT"
CITATION = (
    "The alexnet_study authors (2026). alexnet_study: a replication and audit of a skip connection in AlexNet on "
    "CIFAR-10, version 0.1.0"
)


def section(material: Material) -> Section:
    """Return data, recipe, code and versions, and the commands."""
    study, results = f"STUDY=jobs/studies/{material.collection.study.name}.yaml", _results(material.results)
    runs = f"{study}{results}{_data(material.collection)}{_seeds(material.collection)}"
    commands = (
        ("To make this report again from its runs:", f"make report {study}{results}"),
        ("To make the runs, here or on a cluster:", f"make study {runs}\nmake submit {runs} PROFILE=…"),
    )
    title = "Provenance, and how to make it again"
    return Section(name="provenance", title=title, items=(tabulate(material.collection),), commands=commands)


def footer(material: Material) -> list[str]:
    """Return when the newest run ended, the commits of the runs, and how the report may be used and cited.

    The date is not that of making the report, so that the same runs make the same page.
    """
    runs = material.collection.runs
    ends = [attempt.last_heartbeat for run in runs for attempt in run.provenance.attempts]
    newest = f" The newest ended on {datetime.fromtimestamp(max(ends), UTC):%Y-%m-%d} (UTC)." if ends else ""
    commits = ", ".join(sorted({run.provenance.commit[:12] for run in runs}))
    return [
        f"{len(runs)} runs, made by the code of commit {commits}.{newest}",
        f"Licence: {LICENCE}. To cite: {CITATION}; study {material.collection.study.name}, commit {commits}.",
    ]


def _results(root: Path) -> str:
    """Return RESULTS as make takes it, from the folder where it is called; nothing where it is the default."""
    here = Path.cwd()
    path = root.resolve()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return "" if shown == Path("results") else f" RESULTS={shown}"


def _data(collection: Collection) -> str:
    """Return DATA where the runs' isn't the study file's; of a folder its name alone is known."""
    source = collection.runs[0].provenance.source
    if Path(collection.study.data).name == source.name:
        return ""
    return f" DATA=…/{source.name}" if source.kind == "folder" else f" DATA={source.name}"


def _seeds(collection: Collection) -> str:
    """Return SEEDS where the runs' aren't the study file's."""
    seeds = sorted({run.seed for run in collection.runs})
    return "" if set(seeds) == set(collection.study.seeds) else f" SEEDS={','.join(map(str, seeds))}"


def tabulate(collection: Collection) -> Table:
    """Return what the runs have in common: data, recipe, code, versions."""
    first = collection.runs[0]
    facts: dict[str, object] = {
        "data": f"{first.provenance.source.name}, content hash {first.identity.dataset[:16]}",
        "test images": collection.test_images,
        "recipe": _pairs(first.identity.recipe_fields),
        "threads, numerics": f"{first.identity.threads}, {first.identity.numerics}",
        "devices": ", ".join(devices(collection.runs)),
        "commits": ", ".join(sorted({run.provenance.commit[:12] for run in collection.runs})),
        "images": ", ".join(sorted({run.provenance.image or "none" for run in collection.runs})),
        "versions": _pairs(first.provenance.versions),
    }
    rows = [{"what": name, "value": str(value)} for name, value in facts.items()]
    return table("environment", "Provenance, of the first run where runs may differ.", rows, rows)


def _pairs(values: Mapping[str, object]) -> str:
    texts = {name: f"({_pairs(value)})" if isinstance(value, Mapping) else value for name, value in values.items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())
