"""Decoded images as arrays, which need no PyTorch: what every source decodes itself to."""

from dataclasses import dataclass
from typing import Any

import numpy as np

SIDE = 32


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """images uint8 (N, 3, 32, 32), labels int64 (N,), for both splits."""

    train_images: np.ndarray[Any, Any]
    train_labels: np.ndarray[Any, Any]
    test_images: np.ndarray[Any, Any]
    test_labels: np.ndarray[Any, Any]
    classes: tuple[str, ...]
    resized: int = 0  # images that were not 32×32
