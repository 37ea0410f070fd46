"""The report folder: tables, figures, report.json, report.md and a self-contained index.html."""

import base64
from pathlib import Path
from typing import Any

import jinja2

from alexnet_study.errors import RequestError
from alexnet_study.files import write_atomically, write_json
from alexnet_study.report import arrays, published, verdicts
from alexnet_study.report.analysis import Analysis, analyse
from alexnet_study.report.collect import Collection, as_json, described_data
from alexnet_study.report.drawing import Picture
from alexnet_study.report.sections import Section, build_sections
from alexnet_study.report.story import answer, overall
from alexnet_study.report.tables import Table

TEMPLATES = Path(__file__).parent / "templates"
INK, LIGHT_INK = "#000000", "#e6e8eb"
LIGHTER = {INK: LIGHT_INK, "#832db6": "#b980e6", "#bd1f01": "#ec6048", "#717581": "#9ba1ae"}  # on a dark ground


def write_report(collection: Collection, results: Path) -> Path:
    """Write `<results>/<study>/report/` and return the page's path; RequestError where no run is finished."""
    if not collection.runs:
        reasons = "; ".join(f"{entry.run}: {entry.reason}" for entry in collection.left_out[:4])
        raise RequestError(f"no finished run of study {collection.study.name} in {results} ({reasons}); run some first")
    folder = results / collection.study.name / "report"
    analysis = analyse(collection, folder)
    sections = build_sections(analysis)
    for section in sections:
        for table in section.tables:
            table.write(folder / "tables")
        for picture in section.pictures:
            picture.write(folder / "figures")
    if analysis.findings:
        write_json(folder / arrays.FILE, analysis.findings.as_json())
    write_json(folder / "report.json", _numbers(analysis, sections))
    for name, template in (("report.md", "report.md.j2"), ("index.html", "index.html.j2")):
        write_atomically(folder / name, _render(template, analysis, sections).encode())
    return folder / "index.html"


def _render(template: str, analysis: Analysis, sections: list[Section]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.tests["a_table"] = lambda item: isinstance(item, Table)
    collection = analysis.collection
    return environment.get_template(template).render(
        collection=collection,
        study=collection.study,
        data=described_data(collection),
        answer=answer(analysis),
        sections=sections,
    )


def _numbers(analysis: Analysis, sections: list[Section]) -> dict[str, Any]:
    """Every number of the page, at full precision."""
    collection, findings = analysis.collection, analysis.findings
    rows = {table.name: _records(table) for section in sections for table in section.tables}
    by_variant = {
        variant: [row for row in rows["comparison"] if row["variant"] == variant] for variant in collection.variants
    }
    study = {"name": collection.study.name, "question": collection.study.question, "data": described_data(collection)}
    return {
        "study": study,
        "answer": answer(analysis),
        **as_json(collection),
        "variants": by_variant,
        "claims": [verdicts.as_json(verdict) for verdict in analysis.verdicts],
        "claims_by_number": overall(analysis.verdicts),
        "published_figures": [published.figure_json(check) for check in analysis.figures],
        "published_vectors": [published.vector_json(check) for check in analysis.vectors],
        "from_arrays": {"kept": findings.kept, **findings.numbers} if findings else None,
        "tables": rows,
    }


def _records(table: Table) -> list[dict[str, Any]]:
    frame = table.tidy.astype(object)
    return frame.where(table.tidy.notna(), None).to_dict("records")  # type: ignore[return-value]


def _data_uri(picture: Picture) -> str:
    """The figure for the page, where its ink and its darkest colours follow the reader's choice of light or dark."""
    rules = [f"svg {{ fill: {LIGHT_INK} }}"]  # of what has no fill of its own
    for drawn, lighter in LIGHTER.items():
        rules += [f'[style*="{what}: {drawn}"] {{ {what}: {lighter} !important }}' for what in ("fill", "stroke")]
    style = f"@media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}</style>"
    content = picture.svg.replace(b"</style>", style.encode(), 1)
    return "data:image/svg+xml;base64," + base64.b64encode(content).decode()
