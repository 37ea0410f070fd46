"""The report folder: tables, pictures, report.json, report.md and a self-contained index.html."""

import dataclasses
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from alexnet_study.errors import RequestError
from alexnet_study.files import is_full, write_atomically, write_json
from alexnet_study.report.audit import published
from alexnet_study.report.audit.entries import as_json as claim_json
from alexnet_study.report.audit.look_log import record_looks
from alexnet_study.report.collection import REFERENCE, Collection, as_json, described_data
from alexnet_study.report.findings import FILE
from alexnet_study.report.flags import undrawn
from alexnet_study.report.material import Material, gather
from alexnet_study.report.rendering.page import render
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table
from alexnet_study.report.rendering.text import Row
from alexnet_study.report.sections.answer import answer, overall
from alexnet_study.report.sections.contents import build_sections, drawing_fonts
from alexnet_study.report.sections.provenance import footer
from alexnet_study.report.sections.underway import NAME as UNDERWAY
from alexnet_study.report.underway import Underway


def write_report(collection: Collection, results: Path, underway: Underway | None = None) -> Path:
    """Write `<results>/<study>/report/` and return the page's path; RequestError where no run is finished.

    `results` may be another folder than that of the runs, which is left as it is then. Raise RequestError where the
    report can't be written there. Within a reference the report goes without what index.html and report.md hold as
    well: figures as SVG, tables as Markdown and LaTeX. A look at the claims that is made for the first time is recorded
    beside it, in looks.jsonl. underway: what is known of the runs that are not finished, where somebody asked.
    """
    if not collection.runs:
        reasons = "; ".join(f"{entry.run}: {entry.reason}" for entry in collection.left_out[:4])
        raise RequestError(f"no finished run of study {collection.study.name} in {results} ({reasons}); run some first")
    folder, beside = results / collection.study.name / "report", collection.home / "report"
    _check_writable(folder)
    record_looks(collection, folder.parent)
    fonts = drawing_fonts(collection)
    collection = _flagged(collection, undrawn(fonts.without))
    material = gather(collection, beside, underway)
    sections = [_linked(section, beside, folder) for section in build_sections(material, fonts)]
    _write_items(sections, folder, whole=not (folder.parent / REFERENCE).exists())
    if material.findings:
        write_json(folder / FILE, material.findings.as_json())
    said = answer(material)
    write_json(folder / "report.json", _numbers(material, said, sections))
    for name, template in (("report.md", "report.md.j2"), ("index.html", "index.html.j2")):
        page = render(template, collection, said, sections, footer(material))
        write_atomically(folder / name, page.encode())
    return folder / "index.html"


def _flagged(collection: Collection, flags: Sequence[str]) -> Collection:
    """Return the collection with flags of this machine, which whoever makes the report reads at once, too."""
    for flag in flags:
        print(f"note: {flag}", file=sys.stderr)
    return dataclasses.replace(collection, flags=(*collection.flags, *flags))


def _check_writable(folder: Path) -> None:
    """Raise RequestError where no report can be written, before it is worked out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        if is_full(error):
            raise
        raise RequestError(
            f"{folder}: cannot write there: {error.strerror}; the report goes elsewhere with --target DIR "
            "(make report TARGET=DIR)"
        ) from None


def _write_items(sections: Sequence[Section], folder: Path, *, whole: bool) -> None:
    """Write the tables and pictures, in all their forms if `whole`.

    Where no run is unfinished, an earlier report's table of those goes.
    """
    for section in sections:
        for table in section.tables:
            table.write(folder / "tables", display=whole)
        for picture in section.pictures:
            picture.write(folder / "figures", vector=whole)
    if all(section.name != UNDERWAY for section in sections):
        for path in (folder / "tables").glob(f"{UNDERWAY}.*"):
            path.unlink()


def _linked(section: Section, beside: Path, folder: Path) -> Section:
    """Return a section whose links, from the report's place beside the runs, lead there from `folder`."""
    if beside.resolve() == folder.resolve():
        return section

    def from_folder(link: str) -> str:
        return f"{os.path.relpath(beside / link, folder)}/"

    items = [
        dataclasses.replace(item, links=tuple(map(from_folder, item.links))) if isinstance(item, Table) else item
        for item in section.items
    ]
    return dataclasses.replace(section, items=tuple(items))


def _numbers(material: Material, said: Sequence[str], sections: Sequence[Section]) -> Row:
    """Return every number of the page, at full precision; tables by column, each a list of its rows' values."""
    collection, findings = material.collection, material.findings
    tables = {table.name: table for section in sections for table in section.tables}
    rows = _plain(tables["comparison"]).to_dict("records")
    by_variant = {variant: [row for row in rows if row["variant"] == variant] for variant in collection.variants}
    study = {"name": collection.study.name, "question": collection.study.question, "data": described_data(collection)}
    return {
        "study": study,
        "answer": said,
        **as_json(collection),
        "variants": by_variant,
        "claims": [claim_json(verdict) for verdict in material.verdicts],
        "claims_by_name": overall(material.verdicts),
        "published_figures": [published.figure_json(check) for check in material.published_figures],
        "published_vectors": [published.vector_json(check) for check in material.published_vectors],
        "from_arrays": {"kept": material.kept, **asdict(findings.numbers)} if findings else None,
        "tables": {name: _plain(table).to_dict("list") for name, table in tables.items()},
    }


def _plain(table: Table) -> pd.DataFrame:
    """Return a table's tidy form with None, which JSON has, in the place of NaN, which it hasn't."""
    return table.tidy.astype(object).where(table.tidy.notna(), None)
