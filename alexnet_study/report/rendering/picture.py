"""What all pictures share: style, colours, and how a drawing becomes files."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from cycler import cycler
from matplotlib.figure import Figure

from alexnet_study.files import write_atomically
from alexnet_study.report.collection import Collection
from alexnet_study.report.factorial import is_factorial, kinds
from alexnet_study.report.rendering.compact import compact_svg, palette_png

COLOURS = matplotlib.color_sequences["petroff10"]  # chosen for colour-blind readers (arXiv 2107.02270)
HUES = [COLOURS[index] for index in (0, 6, 4, 3, 2, 5, 1, 7, 8, 9)]  # of variants: those with contrast on white first
GREY = "#767676"
INK, YES, NO = "#000000", "#1a7f37", "#b3261e"  # the page draws them lighter on a dark ground
WIDE, NARROW = 7.2, 3.7  # inches: the width of A4's text, at which no letter is under 8 pt, and that of a phone
STYLE: Any = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "axes.titlesize": 9,
    "svg.hashsalt": "alexnet_study",
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
    "text.parse_math": False,  # a class may be called $x$
}
MARKERS = "osDv^<>pPX"
DIGITS = 8  # of a figure's data; what it is drawn from is at full precision in the tables and report.json
SHARP = 110  # dots per inch of a PNG
RASTER = 90  # dots per inch of what an SVG holds as pixels: clouds of points, cells


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn figure as files' bytes, with what it shows in words, and its data.

    narrow: the same as SVG for a phone's width, where it is drawn apart. data_in: the file, from the report's folder,
    that has its data, unless its own NAME.csv does.
    """

    name: str
    caption: str
    alt: str
    svg: bytes
    png: bytes
    data: pd.DataFrame
    kept: bool = False
    narrow: bytes | None = None
    data_in: str = ""

    @property
    def source(self) -> str:
        """Return the file that has its data, from the report's folder."""
        return self.data_in or f"figures/{self.name}.csv"

    def write(self, folder: Path, *, vector: bool = True) -> None:
        """Write NAME.png in `folder`, NAME.svg if `vector`, and NAME.csv unless the data is elsewhere."""
        contents = {"png": self.png}
        if vector:
            contents["svg"] = self.svg
        if not self.data_in:
            contents["csv"] = self.data.to_csv(index=False, float_format=f"%.{DIGITS}g").encode()
        for ending, content in contents.items():
            write_atomically(folder / f"{self.name}.{ending}", content)


def picture(
    figure: Figure,
    name: str,
    *,
    caption: str,
    alt: str,
    data: pd.DataFrame,
    kept: bool = False,
    narrow: Figure | None = None,
    data_in: str = "",
) -> Picture:
    """Return the figure as SVG, its ground transparent, so that a page's own shows, and as PNG on white."""
    return Picture(
        name=name,
        caption=caption,
        alt=alt,
        svg=_svg(figure),
        png=palette_png(_saved(figure, format="png", dpi=SHARP, facecolor="white")),
        data=data,
        kept=kept,
        narrow=_svg(narrow) if narrow else None,
        data_in=data_in,
    )


def _svg(figure: Figure) -> bytes:
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    return compact_svg(_saved(figure, format="svg", dpi=RASTER, transparent=True, metadata=nothing))


def _saved(figure: Figure, **options: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, **options)
    return buffer.getvalue()


def colour(collection: Collection, variant: str) -> Any:
    """Return a variant's colour, the same in all pictures; in a factorial, variants that differ in skips share it."""
    found = kinds(collection)
    alike: Mapping[str, object] = found if is_factorial(found) else {name: name for name in collection.variants}
    return HUES[list(dict.fromkeys(alike.values())).index(alike[variant]) % len(HUES)]


def line(collection: Collection, variant: str, evaluation: str = "intact") -> str:
    """Return a line style: dotted if lesioned; in a factorial, dashed without a skip; else drawn through."""
    if evaluation != "intact":
        return ":"
    without = not collection.of(variant)[0].identity.model.skips
    return "--" if without and is_factorial(kinds(collection)) else "-"


def look(collection: Collection, variant: str, evaluation: str = "intact") -> dict[str, Any]:
    """Return how lines of a variant's evaluation look, in all pictures alike: lesioned is dotted and hollow."""
    own = colour(collection, variant)
    face = own if evaluation == "intact" else "none"
    style = line(collection, variant, evaluation)
    return {"color": own, "linestyle": style, "marker": marker(collection, variant), "markerfacecolor": face}


def panels_of(collection: Collection) -> list[list[tuple[str, str]]]:
    """Return which (variant, evaluation) are drawn together: in a factorial those of one kind, else all."""
    found = kinds(collection)
    if not is_factorial(found):
        return [collection.evaluations]
    apart = dict.fromkeys(found.values())
    return [[group for group in collection.evaluations if found[group[0]] == kind] for kind in apart]


def marker(collection: Collection, variant: str) -> str:
    """Return a variant's own marker."""
    return MARKERS[collection.variants.index(variant) % len(MARKERS)]


def names(collection: Collection) -> str:
    """Return all variants with their n, for alt texts."""
    return ", ".join(f"{variant} (n = {len(collection.of(variant))})" for variant in collection.variants)


def small_multiples(count: int, width: float) -> Figure:
    """Return a figure of `count` panels that share their axes: two a row, on a phone's width one."""
    rows, columns = grid(count, columns=1 if width == NARROW else 2)
    figure = Figure(figsize=(width, (4.0 if (count, width) == (1, WIDE) else 2.9) * rows))
    figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for unused in figure.axes[count:]:
        unused.remove()
    return figure


def grid(count: int, columns: int = 4) -> tuple[int, int]:
    """Return (rows, columns) for `count` panels."""
    wide = min(count, columns)
    return -(-count // wide), wide
