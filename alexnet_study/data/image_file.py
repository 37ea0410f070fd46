"""One image file as 32×32 RGB pixels: any depth, any orientation, any transparency, and what was done to it."""

import io
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alexnet_study.data.arrays import SIDE, Array

if TYPE_CHECKING:
    from PIL import Image

BACKGROUND = "white"  # what transparent pixels are laid on
TREATMENTS = {  # what may be done to an image beside resizing it, and how a note says so
    "turned": "turned as their EXIF orientation says",
    "transparent": f"with transparent pixels, laid on {BACKGROUND}",
    "scaled": "of more than 8 bits, scaled by their type's range",
    "first_of_several": "in files of several pictures, of which the first is read",
}
ORIENTATION = 0x0112  # the EXIF and TIFF tag
TURNS = {  # what shows the picture upright, by orientation; 1 is upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
BITS, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
SIGNED, WHITE_IS_ZERO = 2, 0  # values of the last two


class Decoded(NamedTuple):
    """pixels uint8 (3, 32, 32); whether the image had another size; the keys of TREATMENTS that it underwent."""

    pixels: Array
    resized: bool
    treatments: tuple[str, ...]


def decode_image(content: bytes) -> Decoded:
    """Return the image in a file's `content` as 32×32 RGB, resized bilinearly with antialiasing if need be.

    What the file's decoder raises for damage, and ValueError where its values have no range to scale them by, pass.
    """
    from PIL import Image

    treatments = []
    with Image.open(io.BytesIO(content)) as image:
        _check_signs(image)
        orientation = _tag(image, ORIENTATION)
        image.load()  # which turns a TIFF
        if getattr(image, "n_frames", 1) > 1:
            treatments.append("first_of_several")
        rgb, done = _to_rgb(image)
        treatments += done
        turn = _turn(image)
    if turn is not None:
        rgb = rgb.transpose(turn)
    if turn is not None or (orientation and orientation[0] in TURNS):
        treatments.append("turned")
    resized = rgb.size != (SIDE, SIDE)
    if resized:
        rgb = rgb.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return Decoded(np.asarray(rgb).transpose(2, 0, 1), resized, tuple(treatments))


def _check_signs(image: "Image.Image") -> None:
    """Raise ValueError for signed values, which Pillow reads as unsigned where they have 8 bits."""
    if SIGNED in _tag(image, SAMPLE_FORMAT):
        raise ValueError("signed values, which have no range to scale them by; expected unsigned 8 or 16 bits")


def _turn(image: "Image.Image") -> "Image.Transpose | None":
    """Return what the EXIF orientation asks for; None where it asks for nothing, or the EXIF data are damaged."""
    from PIL.Image import Transpose

    try:
        name = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error):
        return None  # the pixels are whole all the same
    return None if name is None else Transpose[name]


def _to_rgb(image: "Image.Image") -> "tuple[Image.Image, list[str]]":
    """Return the image as RGB, and what was done to it."""
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep(image)
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if np.asarray(rgba.getchannel("A")).min() < 255:
            below = Image.new("RGBA", rgba.size, BACKGROUND)
            return Image.alpha_composite(below, rgba).convert("RGB"), ["transparent"]
    return image.convert("RGB"), []


def _from_deep(image: "Image.Image") -> "tuple[Image.Image, list[str]]":
    """Return one channel of more than 8 bits as RGB: its type's range becomes 0 … 255, and a float's 0 … 1."""
    from PIL import Image

    values = np.asarray(image).astype(np.float64)
    fractions = values / _range_of(image, values)
    if _tag(image, PHOTOMETRIC) == (WHITE_IS_ZERO,):  # Pillow minds it in 8 bits alone
        fractions = 1 - fractions
    treatments = ["scaled"]
    key = image.info.get("transparency")
    if isinstance(key, int) and (values == key).any():
        fractions[values == key] = 1  # white, as BACKGROUND
        treatments.append("transparent")
    return Image.fromarray(np.rint(fractions * 255).astype(np.uint8)).convert("RGB"), treatments


def _range_of(image: "Image.Image", values: Array) -> float:
    """Return the largest value that the file's type has; raise ValueError where it has none to scale by."""
    if image.mode == "F":
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ValueError(
                f"floats from {values.min():g} to {values.max():g}; expected floats from 0 to 1, or 8 bits"
            )
        return 1
    if image.mode == "I" and image.format not in ("PPM", "PNG"):  # whose integers Pillow widens from 16 bits
        raise ValueError("32-bit integers, which have no range to scale them by; expected 8 or 16 bits")
    bits = _tag(image, BITS)
    return float(2 ** bits[0] - 1) if bits else 65535


def _tag(image: "Image.Image", tag: int) -> tuple[int, ...]:
    """Return a TIFF file's tag as a tuple, empty where it has none or is no TIFF."""
    value = getattr(image, "tag_v2", {}).get(tag, ())
    return value if isinstance(value, tuple) else (value,)
