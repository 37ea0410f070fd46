"""Vectors: a published one among runs, and class gains beyond the mean gain."""

import functools
import math

import numpy as np

from alexnet_study.report.statistics.classes import class_advantages
from alexnet_study.report.statistics.estimates import Array
from alexnet_study.report.statistics.joint import distance_matrix, rank_p, simulated_points
from alexnet_study.report.statistics.looks import ALPHA
from alexnet_study.report.statistics.resampling import EXACT, max_t
from benchmarks.simulations.simulation import Bounds, Flags, Simulation, at_most, each

BATCH = 500  # replications at a time: their distances are 25 MB
CLASSES = 10


def farthest(
    rng: np.random.Generator, n: int, count: int, *, figures: int, correlation: float, shift: float = 0.0
) -> Flags:
    """Return whether the vector has the least p, 1/(n + 1), among runs like it but for `shift`."""
    parts = []
    for start in range(0, count, BATCH):
        points = simulated_points(rng, min(BATCH, count - start), n, figures, correlation)
        points[:, n] += shift
        parts.append(rank_p(distance_matrix(points).sum(-1)) <= 1 / (n + 1) + 1e-9)
    return np.concatenate(parts)


def farthest_by_runs_alone(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return the same of ten figures, scales being taken from the n runs and each run compared with n − 1 others."""
    points = simulated_points(rng, count, n, 10, 0.0)
    scaled = points / points[:, :n].std(1, ddof=1, keepdims=True)
    distances = np.sqrt(((scaled[:, :, None] - scaled[:, None]) ** 2).mean(-1))
    own = distances[:, :n, :n].sum(-1) / (n - 1)
    return np.asarray(distances[:, n, :n].mean(-1) > own.max(-1))


def class_differences(rng: np.random.Generator, n: int, gain: float) -> Array:
    """Return (n, 10) differences with one true gain, heavy tails, unequal spreads and a shared part in every seed."""
    spreads = np.linspace(0.5, 2.0, CLASSES)
    return np.asarray(gain + rng.normal(size=(n, 1)) + spreads * rng.standard_t(3, size=(n, CLASSES)))


def beyond_the_mean(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether any class is found beyond the mean gain, of a uniform gain."""

    def draw() -> bool:
        found = class_advantages(class_differences(rng, n, gain=3.0))
        return found is not None and min(found.p) < ALPHA

    return each(count, draw)


def others_beyond_the_mean(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether a class at the mean gain is found beyond it, two others being above and below."""

    def draw() -> bool:
        differences = class_differences(rng, n, gain=3.0)
        differences[:, 0] += 6.0
        differences[:, 1] -= 6.0
        found = class_advantages(differences)
        return found is not None and min(found.p[2:]) < ALPHA

    return each(count, draw)


def above_zero(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether any class's plain gain is found, of a uniform gain."""
    return each(count, lambda: bool(max_t(class_differences(rng, n, gain=3.0)).min() < ALPHA))


def least_rank(n: int) -> Bounds:
    """Return 1/(n + 1), twice."""
    return 1 / (n + 1), 1 / (n + 1)


def flips_below_alpha(n: int) -> Bounds:
    """Return the bounds of the size at 5 % of a test by all 2ⁿ flips, which count in pairs, or by 4,096 drawn ones."""
    if n > EXACT:
        return ALPHA - 0.002, ALPHA + 0.002  # of this one draw, the same in every report
    attainable = 2 * math.floor(ALPHA * 2**n / 2) / 2**n
    return attainable, attainable


SIMULATIONS = (
    *(
        Simulation(
            rule="joint rank",
            what=f"a run like the others is the farthest, {figures} figures, correlation {correlation}",
            draw=functools.partial(farthest, figures=figures, correlation=correlation),
            stated=least_rank,
        )
        for figures, correlation in ((10, 0.0), (14, 0.5))
    ),
    Simulation(
        rule="joint rank, scales from the runs alone",
        what="a run like the others is the farthest, 10 figures, correlation 0.0",
        draw=farthest_by_runs_alone,
        stated=None,
    ),
    *(
        Simulation(
            rule="joint rank",
            what=f"power: one sd off in each of 10 figures is the farthest, correlation {correlation}",
            draw=functools.partial(farthest, figures=10, correlation=correlation, shift=1.0),
            stated=None,
        )
        for correlation in (0.0, 0.5)
    ),
    Simulation(
        rule="classes beyond the mean gain",
        what="any class found, of a uniform gain",
        draw=beyond_the_mean,
        stated=flips_below_alpha,
    ),
    Simulation(
        rule="classes beyond the mean gain",
        what="a class at the mean found, two others off it",
        draw=others_beyond_the_mean,
        stated=at_most(ALPHA),
    ),
    Simulation(
        rule="classes' plain gains",
        what="any class found, of a uniform gain",
        draw=above_zero,
        stated=None,
    ),
)
