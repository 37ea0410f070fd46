"""What the runs have in common, and how to make them and their report again."""

from collections.abc import Mapping

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.sections.cost import devices


def section(material: Material) -> Section:
    """Return data, recipe, code and versions, and the commands."""
    study = f"STUDY=jobs/studies/{material.collection.study.name}.yaml"
    commands = (
        ("To make this report again from its runs:", f"make report {study}"),
        ("To make the runs, here or on a cluster:", f"make study {study}\nmake submit {study} PROFILE=…"),
    )
    title = "Provenance, and how to make it again"
    return Section(name="provenance", title=title, items=(tabulate(material.collection),), commands=commands)


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
    return ", ".join(f"{name} {value}" for name, value in values.items())
