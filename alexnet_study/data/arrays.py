"""Decoded images as arrays, which need no PyTorch: what every source decodes itself to."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SIDE = 32


def _no_digests() -> np.ndarray[Any, Any]:
    return np.empty((0, 0), dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """images uint8 (N, 3, 32, 32), labels int64 (N,), for both splits.

    resized: images that were not 32×32. treated: how many images were changed in another way, by the way.
    digests: uint8 (F, 16), of the content of each file that was read, in the order of the source's `files`.
    """

    train_images: np.ndarray[Any, Any]
    train_labels: np.ndarray[Any, Any]
    test_images: np.ndarray[Any, Any]
    test_labels: np.ndarray[Any, Any]
    classes: tuple[str, ...]
    resized: int = 0
    treated: Mapping[str, int] = field(default_factory=dict)
    digests: np.ndarray[Any, Any] = field(default_factory=_no_digests)


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Images with the same pixels. in_both: test images that are training images too.

    repeated: images that repeat an earlier one of their own split.
    """

    in_both: int
    repeated: int


def duplicates(arrays: Arrays) -> Duplicates:
    """Return how many images occur more than once, as decoded."""
    train, test = ([_pixel_digest(image) for image in part] for part in (arrays.train_images, arrays.test_images))
    seen = set(train)
    return Duplicates(
        in_both=sum(image in seen for image in test),
        repeated=len(train) - len(seen) + len(test) - len(set(test)),
    )


def _pixel_digest(image: np.ndarray[Any, Any]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).data).digest()
