"""The report folder: tables, figures, report.json, report.md and a self-contained index.html."""

import base64
from pathlib import Path
from typing import Any

import jinja2

from alexnet_study.errors import RequestError
from alexnet_study.files import write_atomically, write_json
from alexnet_study.report.collect import Collection, as_json, described_data
from alexnet_study.report.figures import Picture, build_figures
from alexnet_study.report.tables import Table, build_tables

TEMPLATES = Path(__file__).parent / "templates"


def write_report(collection: Collection, results: Path) -> Path:
    """Write `<results>/<study>/report/` and return the page's path; RequestError where no run is finished."""
    if not collection.runs:
        reasons = "; ".join(f"{entry.run}: {entry.reason}" for entry in collection.left_out[:4])
        raise RequestError(f"no finished run of study {collection.study.name} in {results} ({reasons}); run some first")
    folder = results / collection.study.name / "report"
    tables = build_tables(collection)
    pictures = list(build_figures(collection))
    for table in tables:
        table.write(folder / "tables")
    for picture in pictures:
        picture.write(folder / "figures")
    write_json(folder / "report.json", _numbers(collection, tables))
    for name, template in (("report.md", "report.md.j2"), ("index.html", "index.html.j2")):
        text = _render(template, collection, tables, pictures)
        write_atomically(folder / name, text.encode())
    return folder / "index.html"


def _render(template: str, collection: Collection, tables: list[Table], pictures: list[Picture]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment.get_template(template).render(
        collection=collection,
        study=collection.study,
        data=described_data(collection),
        tables=tables,
        pictures=pictures,
    )


def _numbers(collection: Collection, tables: list[Table]) -> dict[str, Any]:
    """Every number of the page, at full precision."""
    rows = {
        table.name: table.tidy.astype(object).where(table.tidy.notna(), None).to_dict("records") for table in tables
    }
    variants = {
        variant: [row for row in rows["comparison"] if row["variant"] == variant] for variant in collection.variants
    }
    study = {"name": collection.study.name, "question": collection.study.question, "data": described_data(collection)}
    return {"study": study, **as_json(collection), "variants": variants, "tables": rows}


def _data_uri(picture: Picture) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg).decode()
