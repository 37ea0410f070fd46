"""The order of a report's sections, that in which people read: the page and report.md show the same ones.

To add a topic: write its file, whose `section` makes it of the material, and name it here.
"""

import warnings
from collections.abc import Callable
from typing import TypeAlias

import matplotlib

from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.rendering.fonts import Fonts, fonts_for
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


def drawing_fonts(collection: Collection) -> Fonts:
    """Return the fonts for all that figures say in the words of the study file and of the data.

    Names of variants are none of it: they are folders' names, and their letters are ASCII's.
    """
    study = collection.study
    published = study.published.figures if study.published else ()
    claims = [f"{claim.number} {claim.statement}" for claim in study.claims]
    return fonts_for([*collection.classes, *claims, *(figures.name for figures in published)])


def build_sections(material: Material, fonts: Fonts) -> list[Section]:
    """Return all sections that the study has something for, their figures drawn with `fonts`."""
    with matplotlib.rc_context(STYLE | {"font.family": list(fonts.families)}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # which a flag says once
        return [section for build in CONTENTS if (section := build(material)) is not None]
