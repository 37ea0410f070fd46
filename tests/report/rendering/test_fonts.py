"""What figures say in any script and with any sign are drawn as they are, or one line says which have no font."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from alexnet_study.report.flags import undrawn
from alexnet_study.report.rendering.fonts import FIRST, fonts_for
from alexnet_study.report.rendering.picture import STYLE, picture
from alexnet_study.report.rendering.table import table

KOREAN = "고양이"


@pytest.fixture
def korean_font(tmp_path: Path) -> Iterator[str]:
    """A font that has these three syllables alone, each a square."""
    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", *(f"uni{ord(c):04X}" for c in KOREAN)]
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(c): name for c, name in zip(KOREAN, names[1:], strict=True)})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Tiny Korean", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "tiny.ttf")
    listed = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "tiny.ttf")
    yield "Tiny Korean"
    font_manager.fontManager.ttflist[:] = listed


def drawn(text: str, families: tuple[str, ...]) -> tuple[bytes, list[str]]:
    """The SVG of a picture with a title, and what matplotlib warns of."""
    with matplotlib.rc_context(STYLE | {"font.family": list(families)}), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        figure = Figure()
        figure.subplots().set_title(text)
        made = picture(figure, "x", caption="", alt="", data=table("x", "", [], []).tidy)
    return made.svg, [str(warning.message) for warning in found]


def test_a_script_that_has_a_font_is_drawn_in_it(korean_font: str) -> None:
    fonts = fonts_for(["cat", KOREAN])
    assert (fonts.families[0], fonts.without) == (FIRST, "")
    assert len(fonts.families) == 2  # the tiny one, or a better one that this machine has
    _, told = drawn(f"cat {KOREAN}", fonts.families)
    assert not told


def test_a_character_without_a_font_is_named_in_one_line() -> None:
    private = "\U00013000\U0001f9ff\U00010900"
    fonts = fonts_for(["cat", private])
    assert set(fonts.without) <= set(private)
    told = undrawn(fonts.without)
    assert len(told) == bool(fonts.without)
    assert all(c in line for line in told for c in fonts.without)
    assert fonts_for(["cat", "Größe ≥ −1"]).families == (FIRST,)


def test_no_name_is_read_as_mathematics() -> None:
    """Each letter and sign is a glyph of its own; mathematics would drop the dollars, or refuse what it can't read."""
    nothing = drawn("", (FIRST,))[0].count(b"<use")
    for name in ("$x^2$", "$\\frac{", "a$b", "_private", "a\\b"):
        svg, _ = drawn(name, (FIRST,))
        assert svg.count(b"<use") - nothing == len(name), name


def test_no_name_ends_a_row_or_breaks_latex() -> None:
    made = table("t", "c", [], [{"class": "a|b\nc", "top": "x^2~_%$"}])
    assert made.markdown().splitlines()[2] == "| a\\|b c | x^2~_%$ |"
    assert r"x\textasciicircum{}2\textasciitilde{}\_\%\$" in made.latex()
