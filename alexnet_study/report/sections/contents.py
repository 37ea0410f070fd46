"""The order of a report's sections, that in which people read: the page and report.md show the same ones.

To add a topic: write its file, whose `section` makes it of the material, and name it here.
"""

import sys
import warnings
from collections.abc import Callable
from typing import TypeAlias

import matplotlib

from alexnet_study.report.material import Material
from alexnet_study.report.rendering.fonts import fonts_for, fonts_note
from alexnet_study.report.rendering.picture import STYLE
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.sections import (
    advantage,
    beside,
    calibration,
    claims,
    comparison,
    confusion,
    cost,
    features,
    forest,
    frontier,
    learning_curves,
    provenance,
    published,
    recall,
    runs,
    seeds,
    separability,
    skip_places,
    spread,
    underway,
    variants,
)

Topic: TypeAlias = Callable[[Material], Section | None]  # None: the study has nothing for it

CONTENTS: tuple[Topic, ...] = (
    underway.section,
    forest.section,
    advantage.section,  # a factorial's answer, seen at once
    claims.section,
    variants.section,
    skip_places.section,
    published.section,
    beside.section,
    comparison.section,
    seeds.section,
    spread.section,
    learning_curves.section,
    confusion.section,
    recall.section,
    features.section,
    separability.section,
    calibration.section,
    frontier.section,
    cost.section,
    runs.section,
    provenance.section,
)


def build_sections(material: Material) -> list[Section]:
    """Return all sections that the study has something for."""
    fonts = fonts_for(material.collection.classes)
    if note := fonts_note(fonts):
        print(f"note: {note}", file=sys.stderr)
    with matplotlib.rc_context(STYLE | {"font.family": list(fonts.families)}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # which the note says once
        return [section for build in CONTENTS if (section := build(material)) is not None]
