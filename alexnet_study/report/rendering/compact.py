"""Smaller files of the same picture: matplotlib's SVG without what draws nothing, PNG with a palette."""

import base64
import io
import re
from collections.abc import Iterator
from itertools import product
from string import ascii_lowercase
from xml.etree import ElementTree

from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
EMBEDDED = "data:image/png;base64,"
LENGTHS = ("x", "y", "width", "height", "d", "points")  # attributes in points, of which a hundredth is not seen
INHERITED = ("fill", "stroke", "font", "text-anchor")  # properties, by how they begin, that a group's members take over
COLOURS = 256
SCALE = re.compile(r"(scale\([^)]*\))$")


def compact_svg(svg: bytes) -> bytes:
    """Return an SVG that draws the same in fewer bytes.

    Images within it get a palette, lengths are rounded to a hundredth of a point, styles become classes of one style
    sheet, words that come again are drawn by reference; ids that nothing refers to, groups that say nothing and white
    space are dropped.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        _shorten(element)
        if element.tag not in (f"{SVG}text", f"{SVG}tspan"):
            element.text = (element.text or "").strip() or None
        element.tail = (element.tail or "").strip() or None
    _share_words(root)
    _shorten_ids(root)
    _lift_styles(root)
    _unwrap_groups(root)
    _name_styles(root)
    ElementTree.register_namespace("", SVG.strip("{}"))
    ElementTree.register_namespace("xlink", HREF[1:].partition("}")[0])
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).replace(b" />", b"/>")


def palette_png(png: bytes) -> bytes:
    """Return a PNG with at most 256 colours, those that suit it, without dithering; opaque where the given one is."""
    image = Image.open(io.BytesIO(png))
    opaque = image.mode == "RGB" or image.getchannel("A").getextrema()[0] == 255
    drawn = (image.convert("RGB") if opaque else image).quantize(COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    drawn.save(buffer, "png", optimize=True, **{key: image.info[key] for key in ("dpi",) if key in image.info})
    return buffer.getvalue()


def _shorten(element: ElementTree.Element) -> None:
    for name in LENGTHS:
        if name in element.attrib:
            element.set(name, _rounded(element.attrib[name]))
    if "d" in element.attrib:
        element.set("d", re.sub(r"\s*([A-Za-z])\s*", r"\1", element.attrib["d"]).strip())
    placing = element.attrib.pop("transform", "")
    if not re.fullmatch(r"(rotate\(-?0 [^)]*\))?", placing):
        placing = re.sub(r"(rotate|translate)\(.*?\)", lambda found: _rounded(found[0]), placing)
        _place(element, placing)
    if element.get(HREF, "").startswith(EMBEDDED):
        image = base64.b64decode(element.attrib[HREF].removeprefix(EMBEDDED))
        element.set(HREF, EMBEDDED + base64.b64encode(palette_png(image)).decode())


def _place(element: ElementTree.Element, placing: str) -> None:
    """Set the transform; of what is drawn by reference and only moved, x and y say the same in fewer letters."""
    moved = re.fullmatch(r"translate\((\S+) (\S+)\)", placing)
    if moved is None or element.tag != f"{SVG}use" or {"x", "y"} & set(element.attrib):
        element.set("transform", placing)
        return
    for name, length in zip("xy", moved.groups(), strict=True):
        if float(length):
            element.set(name, length)


def _share_words(root: ElementTree.Element) -> None:
    """Draw a word, a group of letters with a scale, once, and where it comes again by reference to the first."""
    words: dict[str, list[ElementTree.Element]] = {}
    for group in root.iter(f"{SVG}g"):
        letters = [letter for letter in group if letter.tag != f"{SVG}defs"]
        sized = SCALE.search(group.get("transform", ""))
        if sized and letters and all(letter.tag == f"{SVG}use" for letter in letters):
            key = sized[0] + "".join(str(sorted(letter.attrib.items())) for letter in letters)
            words.setdefault(key, []).append(group)
    for number, groups in enumerate(again for again in words.values() if len(again) > 1):
        first, *others = groups
        placing, size = _split(first)
        inner = ElementTree.Element(f"{SVG}g", {"id": f"word-{number}", "transform": size})
        inner.extend(list(first))
        first[:] = [inner]
        first.set("transform", placing)
        for group in others:
            placing, _ = _split(group)
            group.tag = f"{SVG}use"
            group[:] = []
            group.set(HREF, f"#word-{number}")
            _place(group, placing)


def _split(group: ElementTree.Element) -> tuple[str, str]:
    """Take a group's transform from it; return it as what comes before the scale, and the scale."""
    placing, scale, _ = SCALE.split(group.attrib.pop("transform"))
    return placing.strip(), scale


def _rounded(text: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), 2) + 0.0:g}", text)


def _shorten_ids(root: ElementTree.Element) -> None:
    """Give ids that are referred to short names, and drop the others."""
    reference = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")
    names: dict[str, str] = {}
    letters = _names()
    for element in root.iter():
        for key, value in element.attrib.items():
            found = reference.search(value) if value.startswith(("url(#", "#")) else None
            if found:
                if found[0] not in names:
                    names[found[0]] = next(letters)
                element.set(key, value.replace(found[0], names[found[0]]))
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in names:
            element.set("id", names[own])


def _lift_styles(root: ElementTree.Element) -> None:
    """Let a group carry the style that all its members share, where members take over all of it."""
    for group in root.iter(f"{SVG}g"):
        styles = {member.get("style") for member in group}
        style = styles.pop() if len(styles) == 1 else None
        own = [part.strip() for part in style.split(";")] if style else []
        if len(group) > 1 and own and "style" not in group.attrib and all(part.startswith(INHERITED) for part in own):
            group.set("style", style or "")
            for member in group:
                del member.attrib["style"]


def _unwrap_groups(parent: ElementTree.Element) -> None:
    members: list[ElementTree.Element] = []
    for member in list(parent):
        _unwrap_groups(member)
        plain = member.tag == f"{SVG}g" and not member.attrib
        members += list(member) if plain else [member]
        parent.remove(member)
    parent.extend(members)


def _name_styles(root: ElementTree.Element) -> None:
    """Move every style into a rule of the style sheet, `.NAME{…}`, in the order of their first use."""
    classes: dict[str, str] = {}
    letters = _names()
    for element in root.iter():
        style = element.attrib.pop("style", None)
        if style is not None:
            if style not in classes:
                classes[style] = next(letters)
            element.set("class", classes[style])
    sheet = root.find(f".//{SVG}style")
    if sheet is not None:
        rules = (f".{name}{{{style.replace(': ', ':').replace('; ', ';')}}}" for style, name in classes.items())
        sheet.text = (sheet.text or "") + "".join(rules)


def _names() -> Iterator[str]:
    """Yield a, b, …, z, aa, ab, …"""
    for length in (1, 2, 3):
        yield from ("".join(letters) for letters in product(ascii_lowercase, repeat=length))
