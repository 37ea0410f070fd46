"""Compact files draw what matplotlib drew: the same elements, styles and texts at the same places."""

import base64
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from alexnet_study.report.rendering.compact import compact_svg, palette_png
from alexnet_study.report.rendering.picture import STYLE

HREF = "{http://www.w3.org/1999/xlink}href"
DRAWN = ("path", "use", "text", "image")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture(scope="module", params=["path", "none"])
def svg(request: pytest.FixtureRequest) -> bytes:
    """A drawing whose letters are outlines, as in the report, or text."""
    with matplotlib.rc_context({**STYLE, "svg.fonttype": request.param}):
        figure = Figure(figsize=(6, 3))
        points, raster = figure.subplots(1, 2)
        positions = np.random.default_rng(0).normal(size=(2, 40))
        points.scatter(*positions, s=9, alpha=0.6, label="a < b & c")
        points.plot(positions[0], linestyle="--", marker="s")
        points.axvspan(-1, 1, color="#832db6", alpha=0.2)
        points.text(0, 0, "turned", rotation=60)
        for place in range(5):
            points.text(place / 5, 0.5, "again", color="#832db6" if place % 2 else "#000000", rotation=30 * (place > 2))
        raster.scatter(*positions, rasterized=True)
        figure.legend()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True)
        return buffer.getvalue()


def declarations(text: str) -> dict[str, str]:
    return dict(part.strip().split(":", 1) for part in text.replace(": ", ":").split(";") if part.strip())


def placed(element: ElementTree.Element) -> NDArray[np.float64]:
    """The affine map of an element's transform, and of a reference's x and y, (3, 3)."""
    found = np.eye(3)
    for name, text in re.findall(r"(\w+)\(([^)]*)\)", element.get("transform", "")):
        given = [float(part) for part in NUMBER.findall(text)]
        step = np.eye(3)
        if name == "translate":
            step[:2, 2] = given
        elif name == "scale":
            step[0, 0], step[1, 1] = given * 2 if len(given) == 1 else given
        else:
            assert name == "rotate"
            angle = np.radians(given[0])
            step[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            around = np.eye(3)
            around[:2, 2] = given[1:] or (0, 0)
            step = around @ step @ np.linalg.inv(around)
        found = found @ step
    if element.tag.endswith("use"):
        step = np.eye(3)
        step[:2, 2] = [float(element.get(name, 0)) for name in "xy"]
        found = found @ step
    return found


def drawn(
    parent: Iterable[ElementTree.Element], known: "Known", style: Mapping[str, str], at: NDArray[np.float64]
) -> "Drawn":
    """Yield what is drawn, its style, given or taken over, and its place; a referred group's members one by one."""
    for element in parent:
        own = {**style, **declarations(element.get("style", "")), **known.sheet.get(element.get("class", ""), {})}
        here = at @ placed(element)
        target = known.groups.get(element.get(HREF, "")[1:])
        if target is not None:
            letters = [letter for letter in target if not letter.tag.endswith("defs")]
            yield from drawn(letters, known, own, here @ placed(target))
        elif element.tag.rpartition("}")[2] in DRAWN:
            yield element, own, here
        yield from drawn(element, known, own, here)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What elements refer to: rules by class, groups by id."""

    sheet: Mapping[str, dict[str, str]]
    groups: Mapping[str, ElementTree.Element]


Drawn: TypeAlias = Iterator[tuple[ElementTree.Element, Mapping[str, str], NDArray[np.float64]]]


def read(svg: bytes) -> list[tuple[ElementTree.Element, Mapping[str, str], NDArray[np.float64]]]:
    root = ElementTree.fromstring(svg)
    sheet = root.findtext(".//{http://www.w3.org/2000/svg}style") or ""
    classes = {name: declarations(rule) for name, rule in re.findall(r"\.(\w+)\{(.*?)\}", sheet)}
    groups = {group.get("id", "–"): group for group in root.iter("{http://www.w3.org/2000/svg}g")}
    body = [child for child in root if not child.tag.endswith("metadata")]
    return list(drawn(body, Known(sheet=classes, groups=groups), {}, np.eye(3)))


def numbers(element: ElementTree.Element) -> NDArray[np.float64]:
    names = ("width", "height", "d") if element.tag.endswith("use") else ("x", "y", "width", "height", "d")
    attributes = (element.get(name, "") for name in names)
    return np.array([float(found) for text in attributes for found in NUMBER.findall(text)])


def test_the_same_is_drawn_in_a_fraction_of_the_bytes(svg: bytes) -> None:
    compact = compact_svg(svg)
    assert len(compact) < 0.6 * len(svg)
    before, after = read(svg), read(compact)
    assert len(before) > 100
    for (old, old_style, old_place), (new, new_style, new_place) in zip(before, after, strict=True):
        np.testing.assert_allclose(new_place, old_place, atol=0.015)  # a word's place and a letter's, rounded
        assert (new.tag, new.text and new.text.strip()) == (old.tag, old.text and old.text.strip())
        assert new_style == old_style
        np.testing.assert_allclose(numbers(new), numbers(old), atol=0.00501)
        assert re.findall("[A-Za-z]", new.get("d", "")) == re.findall("[A-Za-z]", old.get("d", ""))
    assert compact.count(b"rotate(-60") == svg.count(b"rotate(-60") == 1


def test_every_reference_leads_somewhere(svg: bytes) -> None:
    text = compact_svg(svg).decode()
    referred = set(re.findall(r"url\(#(\w+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    assert referred
    assert referred == set(re.findall(r' id="(\w+)"', text))
    before, after = (
        [own.get(HREF) for own, _, _ in read(content) if own.get(HREF)] for content in (svg, compact_svg(svg))
    )
    assert dict(zip(before, after, strict=True)).keys() == set(before)
    assert len(set(zip(before, after, strict=True))) == len(set(before))


def test_an_image_within_keeps_its_size_and_what_is_transparent(svg: bytes) -> None:
    pictures = []
    for content in (svg, compact_svg(svg)):
        (found,) = re.findall(r'base64,([^"]+)"', content.decode())
        pictures.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(found))).convert("RGBA")).astype(int))
    before, after = pictures
    assert before.shape == after.shape
    np.testing.assert_array_equal(before[..., 3] == 0, after[..., 3] == 0)


def test_few_colours_are_kept_exactly() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (200, 3), dtype=np.uint8)
    image = colours[np.random.default_rng(1).integers(0, 200, (40, 50))]
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png", dpi=(130, 130))
    palette = Image.open(io.BytesIO(palette_png(buffer.getvalue())))
    assert palette.mode == "P"
    assert palette.info["dpi"] == pytest.approx((130, 130), rel=1e-3)
    np.testing.assert_array_equal(np.asarray(palette.convert("RGB")), image)
