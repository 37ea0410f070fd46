"""Decoded images as arrays, which need no PyTorch: what every source decodes itself to."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet_study.study.normalisation import ChannelStatistics

Array: TypeAlias = NDArray[Any]  # the text beside it names its dtype and shape

SIDE = 32
COUNTED_AT_ONCE = 1000  # images whose values are counted in one go, so that memory stays small


def _no_digests() -> Array:
    return np.empty((0, 0), dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """images uint8 (N, 3, 32, 32), labels int64 (N,), for both splits.

    resized: images that were not 32×32. treated: how many images were changed in another way, by the way.
    digests: uint8 (F, 16), of the content of each file that was read, in the order of the source's `files`.
    """

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array
    classes: tuple[str, ...]
    resized: int = 0
    treated: Mapping[str, int] = field(default_factory=dict)
    digests: Array = field(default_factory=_no_digests)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is found in decoded images. statistics: of the training images.

    in_both: test images that are training images too, to the pixel. repeated: images that repeat an earlier one of
    their own split, to the pixel.
    """

    in_both: int
    repeated: int
    statistics: ChannelStatistics


def examine(arrays: Arrays) -> Findings:
    """Return how many of the images occur more than once, and the training images' statistics."""
    train, test = ([_pixel_digest(image) for image in part] for part in (arrays.train_images, arrays.test_images))
    seen = set(train)
    return Findings(
        in_both=sum(image in seen for image in test),
        repeated=len(train) - len(seen) + len(test) - len(set(test)),
        statistics=channel_statistics(arrays.train_images),
    )


def channel_statistics(images: Array) -> ChannelStatistics:
    """Return the statistics of images uint8 (N, 3, H, W), N ≥ 1, the same bits in any order of the images.

    They come from exact integer sums, by a histogram of each channel. std is of the population; 1 where a channel holds
    a single value, so that it can be divided by.
    """
    histograms = np.zeros((images.shape[1], 256), dtype=np.int64)
    for start in range(0, len(images), COUNTED_AT_ONCE):
        for channel, histogram in enumerate(histograms):
            histogram += np.bincount(images[start : start + COUNTED_AT_ONCE, channel].ravel(), minlength=256)
    moments = [_moments([int(count) for count in histogram]) for histogram in histograms]
    return ChannelStatistics(mean=tuple(mean for mean, _ in moments), std=tuple(std for _, std in moments))


def _moments(histogram: list[int]) -> tuple[float, float]:
    """Return the mean and standard deviation of the values 0 … 255 that a histogram counts, over 255."""
    count = sum(histogram)
    total = sum(value * number for value, number in enumerate(histogram))
    squares = sum(value**2 * number for value, number in enumerate(histogram))
    spread = math.sqrt((count * squares - total**2) / count**2)
    return total / count / 255, spread / 255 if spread else 1.0


def _pixel_digest(image: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).data).digest()
