"""Files of every depth, orientation and transparency: the right pixels, or one line that names the file."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError
from tests.conftest import write_images

Pixels = np.ndarray[Any, Any]
RNG = np.random.default_rng(1)
COLOUR = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
DEEP = RNG.integers(0, 65536, (32, 32), dtype=np.uint16)
UNIT = RNG.uniform(0, 1, (32, 32)).astype(np.float32)
ALPHA = RNG.integers(0, 255, (32, 32), dtype=np.uint8)
TURNED = {  # what shows a file upright that holds COLOUR, by the definition of its EXIF orientation
    1: COLOUR,
    2: COLOUR[:, ::-1],
    3: COLOUR[::-1, ::-1],
    4: COLOUR[::-1],
    5: COLOUR.transpose(1, 0, 2),
    6: COLOUR[::-1].transpose(1, 0, 2),
    7: COLOUR[::-1, ::-1].transpose(1, 0, 2),
    8: COLOUR.transpose(1, 0, 2)[::-1],
}


class Right(NamedTuple):
    """A file that is read: its pixels (32, 32, 3) or (32, 32), and the treatment that is counted."""

    ending: str
    content: bytes
    pixels: Pixels
    treated: str | None = None
    tolerance: int = 0


class Refused(NamedTuple):
    """A file that is refused, and the reason that the line gives."""

    ending: str
    content: bytes
    reason: str


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(rows: Pixels, bits: int, colour: int, *, size: tuple[int, int] = (32, 32), extra: bytes = b"") -> bytes:
    """A PNG file by its specification: colour 0 grey, 2 RGB, 4 grey and alpha, 6 RGB and alpha; `rows` big-endian."""
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def tiff(values: Pixels, *, order: str = "<", bits: int | None = None, **tags: int) -> bytes:
    """A TIFF file by its specification, one strip, uncompressed, of values (32, 32) or (32, 32, 3)."""
    samples = 1 if values.ndim == 2 else values.shape[2]
    bits = bits or values.dtype.itemsize * 8
    raw = values.tobytes() if order == "<" else values.byteswap().tobytes()
    if bits == 12:
        pairs = values.astype(np.uint32).reshape(-1, 2)
        packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
        raw = packed.astype(np.uint8).tobytes()
    numbers = {"photometric": 262, "sample_format": 339, "orientation": 274}
    fields = {256: 32, 257: 32, 259: 1, 262: 1 if samples == 1 else 2, 273: 8 + 6, 277: samples, 278: 32, 279: len(raw)}
    fields |= {numbers[name]: value for name, value in tags.items()}
    entries = [(tag, 4, 1, struct.pack(order + "I", value)) for tag, value in fields.items() if tag in (273, 279)]
    entries += [(t, 3, 1, struct.pack(order + "HH", v, 0)) for t, v in fields.items() if t not in (273, 279)]
    counts = struct.pack(order + "HHH", bits, bits, bits)
    entries.append(
        (258, 3, samples, struct.pack(order + "HH", bits, 0) if samples == 1 else struct.pack(order + "I", 8))
    )
    body = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in sorted(entries))
    start = 8 + 6 + len(raw)
    directory = struct.pack(order + "H", len(entries)) + body + bytes(4)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", start) + counts + raw + directory


def with_alpha(kind: str, *, alpha: Pixels = ALPHA, **options: Any) -> bytes:
    return saved(Image.fromarray(np.dstack([COLOUR, alpha])), kind, **options)


def on_white(colour: Pixels, alpha: Pixels) -> Pixels:
    share = alpha[..., None] / 255
    return np.rint(colour * share + 255 * (1 - share)).astype(np.uint8)


def oriented(orientation: int, kind: str, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(Image.fromarray(COLOUR), kind, exif=exif, **options)


def palette(**options: Any) -> bytes:
    image = Image.fromarray((np.arange(1024).reshape(32, 32) % 4).astype(np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    return saved(image, "PNG", **options)


def colours_of_palette(first: tuple[int, int, int]) -> Pixels:
    table = np.array([first, (0, 255, 0), (0, 0, 255), (9, 9, 9)], dtype=np.uint8)
    return table[np.arange(1024).reshape(32, 32) % 4]


def several(kind: str, **options: Any) -> bytes:
    return saved(Image.fromarray(COLOUR), kind, save_all=True, append_images=[Image.new("RGB", (32, 32))], **options)


EIGHT = np.rint(DEEP / 257).astype(np.uint8)  # 65535 / 255 = 257
BIG = DEEP.astype(">u2")
BIG_COLOUR = np.dstack([DEEP, DEEP[::-1], DEEP.T]).astype(">u2")
KEY = np.where(GREY[0, 0] == GREY, 255, GREY).astype(np.uint8)
KEYED = chunk(b"tRNS", struct.pack(">H", int(GREY[0, 0])))
DEEP_KEYED = chunk(b"tRNS", struct.pack(">H", int(DEEP[0, 0])))
JPEG = saved(Image.fromarray(COLOUR), "JPEG")
PNG = saved(Image.fromarray(COLOUR), "PNG")
BROKEN_EXIF = saved(Image.fromarray(COLOUR), "PNG", exif=b"Exif\0\0no TIFF at all")

RIGHT = {
    "grey of 8 bits": Right("png", saved(Image.fromarray(GREY), "PNG"), GREY),
    "1 bit": Right("png", saved(Image.fromarray(GREY > 99), "PNG"), np.where(GREY > 99, 255, 0)),
    "a palette": Right("png", palette(), colours_of_palette((255, 0, 0))),
    "JPEG under another ending": Right("png", JPEG, np.asarray(Image.open(io.BytesIO(JPEG)))),
    "an ending in capitals": Right("PNG", PNG, COLOUR),
    "white CMYK": Right("tif", saved(Image.new("CMYK", (32, 32)), "TIFF"), np.full((32, 32), 255)),
    "PNG, grey of 16 bits": Right("png", png(BIG, 16, 0), EIGHT, "scaled"),
    "PNG, RGB of 16 bits": Right("png", png(BIG_COLOUR, 16, 2), np.rint(BIG_COLOUR / 257), tolerance=1),
    "PGM of 16 bits": Right("pgm", b"P5 32 32 65535\n" + BIG.tobytes(), EIGHT, "scaled"),
    "PGM up to 1023": Right(
        "pgm", b"P5 32 32 1023\n" + (BIG >> 6).astype(">u2").tobytes(), np.rint((DEEP >> 6) * (255 / 1023)), "scaled", 1
    ),
    "TIFF of 16 bits": Right("tif", tiff(DEEP), EIGHT, "scaled"),
    "TIFF of 16 bits, big-endian": Right("tif", tiff(DEEP, order=">"), EIGHT, "scaled"),
    "TIFF of 16 bits, white is 0": Right("tif", tiff(DEEP, photometric=0), np.rint((65535 - DEEP) / 257), "scaled"),
    "TIFF of 12 bits": Right("tif", tiff(DEEP >> 4, bits=12), np.rint((DEEP >> 4) * (255 / 4095)), "scaled"),
    "TIFF, RGB of 16 bits": Right("tiff", tiff(BIG_COLOUR.astype("<u2")), np.rint(BIG_COLOUR / 257), tolerance=1),
    "TIFF of floats": Right("tif", tiff(UNIT, sample_format=3), np.rint(UNIT.astype(np.float64) * 255), "scaled"),
    **{
        f"orientation {number}, {kind}": Right(ending, oriented(number, kind, **options), pixels, treated)
        for number, pixels in TURNED.items()
        for kind, ending, options in (("PNG", "png", {}), ("WEBP", "webp", {"lossless": True}), ("TIFF", "tif", {}))
        for treated in ["turned" if number > 1 else None]
    },
    "orientation 0": Right("png", oriented(0, "PNG"), COLOUR),
    "orientation 9": Right("png", oriented(9, "PNG"), COLOUR),
    "damaged EXIF data": Right("png", BROKEN_EXIF, COLOUR),
    "RGBA": Right("png", with_alpha("PNG"), on_white(COLOUR, ALPHA), "transparent", 1),
    "RGBA, WebP": Right(
        "webp", with_alpha("WEBP", lossless=True, exact=True), on_white(COLOUR, ALPHA), "transparent", 1
    ),
    "RGBA, opaque": Right("png", with_alpha("PNG", alpha=np.full_like(ALPHA, 255)), COLOUR),
    "RGBA, invisible": Right("png", with_alpha("PNG", alpha=0 * ALPHA), 0 * COLOUR + 255, "transparent"),
    "grey and alpha": Right(
        "png", png(np.dstack([GREY, ALPHA]), 8, 4), on_white(np.dstack([GREY] * 3), ALPHA), "transparent", 1
    ),
    "grey and alpha of 16 bits": Right(
        "png",
        png(np.dstack([GREY, ALPHA]).astype(">u2") * 257, 16, 4),
        on_white(np.dstack([GREY] * 3), ALPHA),
        "transparent",
        1,
    ),
    "a palette with a transparent colour": Right(
        "png", palette(transparency=0), colours_of_palette((255, 255, 255)), "transparent"
    ),
    "a transparent grey level": Right("png", png(GREY, 8, 0, extra=KEYED), KEY, "transparent"),
    "a transparent grey level of 16 bits": Right(
        "png", png(BIG, 16, 0, extra=DEEP_KEYED), np.where(DEEP[0, 0] == DEEP, 255, EIGHT), "scaled"
    ),
    "an animated PNG": Right("png", several("PNG"), COLOUR, "first_of_several"),
    "an animated WebP": Right("webp", several("WEBP", lossless=True), COLOUR, "first_of_several"),
    "a TIFF of two pages": Right("tif", several("TIFF"), COLOUR, "first_of_several"),
}

REFUSED = {
    "an empty file": Refused("png", b"", "empty"),
    "a text": Refused("jpg", b"<html>404</html>", "no image of a known kind"),
    "a PNG cut short": Refused("png", PNG[:400], "[Tt]runcated"),
    "a JPEG cut short": Refused("jpg", JPEG[:500], "[Tt]runcated"),
    "a damaged header": Refused("png", PNG[:16] + b"\xff\xff\xff\xff" + PNG[20:], ""),
    "a damaged TIFF": Refused("tif", tiff(GREY)[:60], ""),
    "a decompression bomb": Refused("png", png(GREY, 8, 0, size=(30000, 30000)), "900000000 pixels"),
    "a bomb of text": Refused(
        "png", png(GREY, 8, 0, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 27)))), "too large"
    ),
    "no width": Refused("ppm", b"P6 0 32 255\n", ""),
    "signed 8 bits": Refused("tif", tiff(GREY, sample_format=2), "signed values"),
    "signed 16 bits": Refused("tif", tiff(DEEP, sample_format=2), "signed values"),
    "integers of 32 bits": Refused("tif", tiff(DEEP.astype(np.uint32)), "32-bit integers"),
    "floats up to 255": Refused("tif", tiff(UNIT * 255, sample_format=3), "floats from .* expected floats from 0 to 1"),
    "floats below 0": Refused("tif", tiff(UNIT - 1, sample_format=3), "floats from -"),
    "NaN": Refused("tif", tiff(UNIT * np.float32("nan"), sample_format=3), "floats from nan"),
}


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Make a data folder whose first training image is a given file."""

    def write(ending: str, content: bytes) -> Path:
        folder = write_images(tmp_path / "images", classes=2, train=2, test=2)
        (folder / "train/class0/000.png").unlink()
        (folder / f"train/class0/000.{ending}").write_bytes(content)
        return folder

    return write


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_becomes_the_pixels_that_it_shows(name: str, put: Callable[[str, bytes], Path]) -> None:
    case = RIGHT[name]
    data = load_dataset(str(put(case.ending, case.content)))
    found = data.train.images[0].numpy().transpose(1, 2, 0).astype(int)
    expected = case.pixels if case.pixels.ndim == 3 else np.dstack([case.pixels] * 3)
    assert np.abs(found - expected).max() <= case.tolerance
    assert case.treated is None or data.source.treated[case.treated] == 1
    assert case.treated is not None or not data.source.treated


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_rightly_is_one_line(name: str, put: Callable[[str, bytes], Path]) -> None:
    case = REFUSED[name]
    line = rf"^--data \S+/images: cannot read 1 file .*: train/class0/000\.{case.ending} \([^\n]*{case.reason}[^\n]*\)$"
    with pytest.raises(RequestError, match=line):
        load_dataset(str(put(case.ending, case.content)))
