"""What image files are before they are decoded: their sizes and modes by their headers, and which are the same."""

import collections
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.data.content import content_digest


@dataclass(frozen=True, kw_only=True)
class Survey:
    """How many files have each size and mode, as `32×32 RGB`, the commonest first, and the groups of equal files."""

    kinds: dict[str, int]
    duplicates: tuple[tuple[str, ...], ...]


def survey(paths: Sequence[str]) -> Survey:
    """Return what image files are, each read once; raise what Pillow raises where one isn't an image."""
    from PIL import Image

    kinds: collections.Counter[str] = collections.Counter()
    same: dict[bytes, list[str]] = {}
    for path in paths:
        content = Path(path).read_bytes()
        same.setdefault(content_digest(content).tobytes(), []).append(path)
        with Image.open(io.BytesIO(content)) as image:
            kinds[f"{image.width}×{image.height} {image.mode}"] += 1
    return Survey(
        kinds=dict(kinds.most_common()),
        duplicates=tuple(tuple(group) for group in same.values() if len(group) > 1),
    )
