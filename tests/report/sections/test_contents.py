"""All that figures say is drawn at 8 pt or more, or the page and standard error name what no font has."""

import dataclasses
import json
import re
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from alexnet_study.report.audit.published import check_vectors
from alexnet_study.report.audit.verdicts import judge
from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.material import Material
from alexnet_study.report.rendering import picture
from alexnet_study.report.rendering.picture import STYLE
from alexnet_study.report.sections.contents import CONTENTS, drawing_fonts
from alexnet_study.report.writing import write_report
from alexnet_study.study.claims import Claim
from alexnet_study.study.study import Study

# Hieroglyphs, which hardly a machine has.
NAME, STATEMENT, FIGURES, QUESTION = "\U00013000\U00013001\U00013002\U00013003"


def in_another_script(study: Study) -> Study:
    """The study with a character of its own in each kind of text."""
    claims = tuple(
        dataclasses.replace(claim, name=f"{claim.name} {NAME}", statement=f"{claim.statement} {STATEMENT}")
        for claim in study.claims
    )
    assert study.published is not None
    figures = tuple(dataclasses.replace(own, name=f"{own.name} {FIGURES}") for own in study.published.figures)
    published = dataclasses.replace(study.published, figures=figures)
    return dataclasses.replace(study, claims=claims, published=published, question=f"What of {QUESTION}?")


def boxes(material: Material, families: tuple[str, ...]) -> set[str]:
    """The characters that matplotlib draws as boxes in any figure."""
    with matplotlib.rc_context(STYLE | {"font.family": list(families)}), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for build in CONTENTS:
            build(material)
    codes = [re.match(r"Glyph (\d+) .*missing from font", str(warning.message)) for warning in found]
    return {chr(int(code[1])) for code in codes if code}


def test_the_characters_without_a_font_are_those_that_figures_show_as_boxes(
    material: Material, collection: Collection
) -> None:
    changed = dataclasses.replace(collection, study=in_another_script(collection.study))
    fonts = drawing_fonts(changed)
    said = {"verdicts": judge(changed), "published_vectors": check_vectors(changed)}
    shown = boxes(dataclasses.replace(material, collection=changed, **said), fonts.families)
    assert shown == set(fonts.without) <= {STATEMENT, FIGURES}


def test_the_page_and_standard_error_say_which_characters_have_no_font(
    finished: tuple[Study, Path], results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _ = finished
    monkeypatch.setattr("alexnet_study.report.rendering.fonts._installed", dict)  # a machine of matplotlib's own alone
    gain: Any = {"metric": "evaluations.intact.top1", "variants": {"skip": 1, "baseline": -1}, "direction": "greater"}
    claim = Claim(id="1", statement="건너뛰기", definition="d", **gain)
    page = write_report(collect(dataclasses.replace(study, claims=(claim,)), results), results)
    (flag,) = [line for line in json.loads((page.parent / "report.json").read_text())["flags"] if "font" in line]
    assert flag.startswith("No installed font has 건 기 너 뛰, so that figures show boxes in their place; ")
    assert flag in page.read_text()
    assert flag in (page.parent / "report.md").read_text()
    assert f"note: {flag}\n" in capsys.readouterr().err


def test_no_text_of_a_figure_is_under_eight_points(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[float, str] = {}
    save = picture._saved

    def measured(figure: Figure, **options: Any) -> bytes:
        said = [own for own in figure.findobj(Text) if isinstance(own, Text) and own.get_text() and own.get_visible()]
        sizes.update({own.get_fontsize(): own.get_text() for own in said})
        return save(figure, **options)

    monkeypatch.setattr(picture, "_saved", measured)
    with matplotlib.rc_context(STYLE):
        for build in CONTENTS:
            build(material)
    assert sizes
    assert {size: text for size, text in sizes.items() if size < 8} == {}
