"""Compact files draw what matplotlib drew: the same elements, styles and texts at the same places."""

import base64
import io
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from alexnet_study.report.rendering.compact import compact_svg, palette_png
from alexnet_study.report.rendering.picture import STYLE

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
        raster.scatter(*positions, rasterized=True)
        figure.legend()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True)
        return buffer.getvalue()


def declarations(text: str) -> dict[str, str]:
    return dict(part.strip().split(":", 1) for part in text.replace(": ", ":").split(";") if part.strip())


def drawn(
    parent: ElementTree.Element, sheet: Mapping[str, dict[str, str]], style: Mapping[str, str]
) -> Iterator[tuple[ElementTree.Element, Mapping[str, str]]]:
    """Yield what is drawn with the style that it has or takes over."""
    for element in parent:
        own = {**style, **declarations(element.get("style", "")), **sheet.get(element.get("class", ""), {})}
        if element.tag.rpartition("}")[2] in DRAWN:
            yield element, own
        yield from drawn(element, sheet, own)


def read(svg: bytes) -> list[tuple[ElementTree.Element, Mapping[str, str]]]:
    root = ElementTree.fromstring(svg)
    sheet = root.findtext(".//{http://www.w3.org/2000/svg}style") or ""
    classes = {name: declarations(rule) for name, rule in re.findall(r"\.(\w+)\{(.*?)\}", sheet)}
    return list(drawn(root, classes, {}))


def numbers(element: ElementTree.Element) -> NDArray[np.float64]:
    attributes = (element.get(name, "") for name in ("x", "y", "width", "height", "d"))
    return np.array([float(found) for text in attributes for found in NUMBER.findall(text)])


def test_the_same_is_drawn_in_a_fraction_of_the_bytes(svg: bytes) -> None:
    compact = compact_svg(svg)
    assert len(compact) < 0.6 * len(svg)
    before, after = read(svg), read(compact)
    assert len(before) > 100
    for (old, old_style), (new, new_style) in zip(before, after, strict=True):
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
    before, after = ([key for key in re.findall(r'href="#([^"]+)"', content)] for content in (svg.decode(), text))
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
