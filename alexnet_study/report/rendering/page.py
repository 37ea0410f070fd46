"""A report's page and report.md, made of its sections by templates."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from alexnet_study.report.collection import Collection, described_data
from alexnet_study.report.rendering.picture import INK, NO, YES
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table

TEMPLATES = Path(__file__).parent / "templates"
LIGHT_INK = "#e6e8eb"
LIGHTER = {INK: LIGHT_INK, YES: "#6fcf8a", NO: "#ff9a92"}  # on a dark ground, as are the next
LIGHTER |= {"#832db6": "#b980e6", "#bd1f01": "#ec6048", "#717581": "#9ba1ae"}
UNQUOTED = "<>'=/;,*{}()[]@! +-.:%"  # what may stand as it is in the address of a picture, in an attribute in "
XLINK = ' xmlns:xlink="http://www.w3.org/1999/xlink"'  # browsers, unlike older readers of SVG, do without
ESTIMATE = re.compile(r"(\S+) (\[[^\]]+\])(.*)")


def render(
    template: str, collection: Collection, answer: Sequence[str], sections: Sequence[Section], footer: Sequence[str]
) -> str:
    """Return a report's page from one of the templates."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["with_interval"] = _with_interval
    environment.tests["a_table"] = lambda item: isinstance(item, Table)
    return environment.get_template(template).render(
        collection=collection,
        study=collection.study,
        data=described_data(collection),
        answer=answer,
        sections=sections,
        numbers=numbered(sections),
        footer=footer,
    )


def numbered(sections: Sequence[Section]) -> dict[tuple[str, str], str]:
    """Return what each item is called, by kind and name: `Figure 1`, `Table 1`, each counted through the report."""
    tables = [item.name for section in sections for item in section.tables]
    pictures = [item.name for section in sections for item in section.pictures]
    return {
        (kind, name): f"{kind} {number}"
        for kind, names in (("Table", tables), ("Figure", pictures))
        for number, name in enumerate(names, start=1)
    }


def _with_interval(cell: object) -> Markup:
    """Return a cell for the page: an estimate's interval stands under it, so that a column is half as wide."""
    match = ESTIMATE.fullmatch(str(cell))
    if match is None:
        return escape(cell)
    value, interval, rest = match.groups()
    return Markup("{} <span>{}</span>{}").format(value, interval, rest)


def _data_uri(svg: bytes) -> Markup:
    """Return a picture for the page; its ink and darkest colours follow the reader's choice of light or dark."""
    text = svg.decode()
    rules = [f"svg{{fill:{LIGHT_INK}}}"]  # of what has no fill of its own
    for selector, style in re.findall(r"(\.\w+)\{(.*?)\}", text.partition("</style>")[0]):
        lighter = re.sub(r"(?<=fill:|roke:)#\w{6}", lambda found: LIGHTER.get(found[0], found[0]), style)
        rules += [f"{selector}{{{lighter}}}"] if lighter != style else []
    sheet = f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"
    content = text[text.index("<svg") :].replace("</style>", sheet, 1).replace(XLINK, "").replace("xlink:href", "href")
    content = content.replace('"', "'").replace("http:", "http%3A")
    return Markup("data:image/svg+xml," + quote(content, safe=UNQUOTED))
