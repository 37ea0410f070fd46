"""What all pictures share: style, colours, and how a drawing becomes files."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from alexnet_study.files import write_atomically
from alexnet_study.report.collection import Collection
from alexnet_study.report.factorial import is_factorial, kinds
from alexnet_study.report.rendering.compact import compact_svg, palette_png

DARKER = {"#ffa90e": "#b87400", "#94a4a2": "#728380", "#b9ac70": "#8f8344", "#92dadd": "#23959b"}  # 3:1 on white
PETROFF = matplotlib.color_sequences["petroff10"]  # chosen for colour-blind readers (arXiv 2107.02270)
COLOURS = [DARKER.get(to_hex(hue), to_hex(hue)) for hue in PETROFF]
HUES = [COLOURS[index] for index in (0, 6, 4, 2, 5, 8, 1, 3, 7, 9)]  # of variants: those least alike first
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
STYLES = {"lesioned": ":", "mirrored": "-."}  # lines of evaluations; intact's are the variant's own
MOST_TOGETHER = 5  # of variants and evaluations in one panel: more are drawn in several
DIGITS = 8  # of a figure's data; what it is drawn from is at full precision in the tables and report.json
SHARP = 110  # dots per inch of a PNG
PERCENT, POINTS = (0.0, 100.0), (-100.0, 100.0)  # all that shares, and differences of shares, can be
RASTER = 90  # dots per inch of what an SVG holds as pixels: clouds of points, cells


@dataclass(frozen=True)
class Point:
    """A drawn point, in its axes' data units, and what the page says when a reader's pointer is on it."""

    axes: Axes
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Spot:
    """Where a point of a figure lies, as percentages of its width and, from above, of its height, and its text."""

    left: float
    top: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn figure as files' bytes, with what it shows in words, and its data.

    narrow: the same as SVG for a phone's width, where it is drawn apart. data_in: the file, from the report's folder,
    that has its data, unless its own NAME.csv does. spots: values that the page shows under the pointer.
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
    spots: tuple[Spot, ...] = ()

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
    points: Sequence[Point] = (),
) -> Picture:
    """Return the figure as SVG, its ground transparent, so that a page's own shows, and as PNG on white."""
    svg = _svg(figure)  # which lays it out, so that its points have places
    return Picture(
        name=name,
        caption=caption,
        alt=alt,
        svg=svg,
        spots=tuple(_spot(figure, point) for point in points),
        png=palette_png(_saved(figure, format="png", dpi=SHARP, facecolor="white")),
        data=data,
        kept=kept,
        narrow=_svg(narrow) if narrow else None,
        data_in=data_in,
    )


def _spot(figure: Figure, point: Point) -> Spot:
    place = point.axes.transData.transform((point.x, point.y))
    left, bottom = figure.transFigure.inverted().transform(place)
    return Spot(round(100 * float(left), 2), round(100 - 100 * float(bottom), 2), point.text)


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
    """Return a line style: dotted if lesioned, dots and dashes if mirrored; in a factorial, dashed without a skip."""
    if evaluation in STYLES:
        return STYLES[evaluation]
    without = not collection.of(variant)[0].identity.model.skips
    return "--" if without and is_factorial(kinds(collection)) else "-"


def look(collection: Collection, variant: str, evaluation: str = "intact") -> dict[str, Any]:
    """Return how lines of a variant's evaluation look, in all pictures alike: lesioned is dotted and hollow."""
    own = colour(collection, variant)
    face = "none" if evaluation == "lesioned" else own
    style = line(collection, variant, evaluation)
    return {"color": own, "linestyle": style, "marker": marker(collection, variant), "markerfacecolor": face}


def panels_of(collection: Collection) -> list[list[tuple[str, str]]]:
    """Return which (variant, evaluation) are drawn together: in a factorial those of one kind.

    Else all or, of many, the first variant beside each later one.
    """
    found = kinds(collection)
    if not is_factorial(found):
        first, *others = collection.variants
        if len(collection.evaluations) <= MOST_TOGETHER or not others:
            return [collection.evaluations]
        own = [[group for group in collection.evaluations if group[0] == variant] for variant in others]
        return [[(first, "intact"), *groups] for groups in own]
    apart = dict.fromkeys(found.values())
    return [[group for group in collection.evaluations if found[group[0]] == kind] for kind in apart]


def marker(collection: Collection, variant: str) -> str:
    """Return a variant's own marker."""
    return MARKERS[collection.variants.index(variant) % len(MARKERS)]


def within(axes: Axes, *, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
    """Cut the axes to what can exist, from low to high, with a little room for the marks at its ends."""
    for limits, cut, bounds in ((axes.get_xlim, axes.set_xlim, x), (axes.get_ylim, axes.set_ylim, y)):
        if bounds is not None:
            cut(clipped(limits(), bounds))


def clipped(limits: tuple[float, float], bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the part of an axis that can exist."""
    room = 0.02 * (bounds[1] - bounds[0]) if math.isfinite(bounds[1]) else 0.0
    return max(limits[0], bounds[0] - room), min(limits[1], bounds[1] + room)


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


def sampled(count: int, most: int) -> list[int]:
    """Return at most `most` of the places 0 to count − 1, evenly taken."""
    return list(range(0, count, -(-count // most)))


def grid(count: int, columns: int = 4) -> tuple[int, int]:
    """Return (rows, columns) for `count` panels."""
    wide = min(count, columns)
    return -(-count // wide), wide
