"""Where the values lie that a report's page shows under a reader's pointer."""

from collections.abc import Sequence

import numpy as np

from alexnet_study.report.rendering.picture import Spot

ROUNDED = 0.02  # percent of a figure: places have two decimals


def lie_on_a_linear_axis(spots: Sequence[Spot], values: Sequence[float], *, upright: bool = False) -> bool:
    """Return whether the spots' places grow linearly with the values: to the right or, upright, from below."""
    places = np.array([-spot.top if upright else spot.left for spot in spots])
    slope, start = np.polyfit(values, places, 1)
    return bool(slope > 0 and np.abs(slope * np.array(values) + start - places).max() < ROUNDED)
