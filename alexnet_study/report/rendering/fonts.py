"""Which installed fonts have the characters of what a study's figures say, whatever their script."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FIRST = "DejaVu Sans"  # ships with matplotlib
BOXES = "Last Resort"  # ships with it too: it has a box for every character
REGULAR = (400, "normal", "regular", "book")


@dataclass(frozen=True, kw_only=True)
class Fonts:
    """families: names of fonts, each the fallback of those before it. without: characters that none of them has."""

    families: tuple[str, ...]
    without: str


def fonts_for(texts: Iterable[str]) -> Fonts:
    """Return fonts that have the characters of all texts, as few as it takes beside matplotlib's own."""
    missing = {c for text in texts for c in text if not unicodedata.category(c).startswith("C")}
    missing -= _characters(font_manager.findfont(FIRST))
    families = [FIRST]
    known = {name: missing & _characters(path) for name, path in _installed().items()} if missing else {}
    while missing:
        best = max(sorted(known), key=lambda name: len(known[name] & missing), default="")
        if not best or not known[best] & missing:
            break
        families.append(best)
        missing -= known.pop(best)
    return Fonts(families=tuple(families), without="".join(sorted(missing)))


def _installed() -> dict[str, str]:
    """Return the file of each upright, regular font by its name."""
    entries = [entry for entry in font_manager.fontManager.ttflist if not entry.name.startswith((FIRST, BOXES))]
    return {entry.name: entry.fname for entry in entries if entry.style == "normal" and entry.weight in REGULAR}


def _characters(path: str) -> set[str]:
    try:
        return {chr(code) for code in FT2Font(path).get_charmap()}
    except (OSError, RuntimeError):  # gone since matplotlib listed it, or damaged
        return set()
