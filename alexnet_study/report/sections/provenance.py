"""What the runs have in common, and how to make them and their report again."""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from alexnet_study.data.sources import is_source
from alexnet_study.report.collection import REFERENCE, Collection
from alexnet_study.report.flags import overridden
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.sections.cost import devices
from alexnet_study.shipped import STUDIES

LICENCE = "MIT"
CITATION = (
    "The alexnet_study authors (2026). alexnet_study: a replication and audit of a skip connection in AlexNet on "
    "CIFAR-10, version 0.1.0"
)


def section(material: Material) -> Section:
    """Return data, recipe, code and versions, and the commands."""
    collection, results = material.collection, _results(material.results)
    study = f"STUDY={_file(collection.study.name)}"
    reference = (material.results / collection.study.name / REFERENCE).exists()
    runs = f"{study}{'' if reference else results}{_data(collection)}{_seeds(collection)}"
    commands = (
        ("To make this report again from its runs:", f"make report {study}{results}"),
        (
            f"To make the runs, here or on a cluster{_overridden(collection)}:",
            f"make study {runs}\nmake submit {runs} PROFILE=…",
        ),
        *((("To make this reference again from them:", f"make reference {study}"),) if reference else ()),
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


def _file(name: str) -> str:
    """Return the file of a study that ships; of another its name alone is known."""
    return f"jobs/studies/{name}.yaml" if name in STUDIES.names() else f"…/{name}.yaml"


def _data(collection: Collection) -> str:
    """Return DATA where the runs' isn't the study file's; of a folder its name alone is known."""
    source, asked = collection.runs[0].provenance.source, collection.study.data
    if is_source(source.kind):
        return "" if asked == source.kind else f" DATA={source.kind}"
    return "" if Path(asked).name == source.name else f" DATA={shlex.quote(f'…/{source.name}')}"


def _overridden(collection: Collection) -> str:
    """Return where to look for overrides, which make has no word for."""
    firsts = [collection.of(variant)[0].identity for variant in collection.variants]
    differ = bool(overridden(collection.study, firsts))
    return ", by python -m jobs.study and --set what the notes at the top call overridden" if differ else ""


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
