"""Intervals: of proportions, of collapsed runs, of seeds with images, of agreement between runs."""

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from alexnet_study.report.statistics import churn
from alexnet_study.report.statistics.collapsed import flagged, learned_share
from alexnet_study.report.statistics.crossed import crossed_estimate
from alexnet_study.report.statistics.estimates import LEVEL, Array, Estimate, mean
from alexnet_study.report.statistics.hodges_lehmann import hodges_lehmann
from alexnet_study.report.statistics.proportions import proportion_interval
from benchmarks.simulations.simulation import Bounds, Flags, Simulation, between, each, exactly

Bits = NDArray[np.bool_]
COLLAPSED, DROP = 0.05, -60.0  # one run in twenty; how far, in standard deviations of those that learn
IMAGES = 400


def expit_mean(centre: float, spread: float) -> float:
    """Return the mean of expit(normal), by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(special.expit(centre + spread * nodes) @ weights / math.sqrt(2 * math.pi))


def proportion_covered(rng: np.random.Generator, n: int, count: int, *, centre: float, spread: float) -> Flags:
    """Return whether the interval of the mean proportion holds the true mean."""
    truth = expit_mean(centre, spread)
    return each(count, lambda: truth in (proportion_interval(special.expit(rng.normal(centre, spread, size=n))) or ()))


def mean_logit_covered(rng: np.random.Generator, n: int, count: int, *, centre: float, spread: float) -> Flags:
    """Return whether the t interval of the mean logit holds the logit of the true mean proportion."""
    logits, truth = rng.normal(centre, spread, size=(count, n)), special.logit(expit_mean(centre, spread))
    half = special.stdtrit(n - 1, (1 + LEVEL) / 2) * logits.std(1, ddof=1) / math.sqrt(n)
    return np.asarray(np.abs(logits.mean(1) - truth) <= half)


def learned_covered(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether the interval of the share that learned holds the probability to learn."""
    intervals = [learned_share(learned, n).interval for learned in range(n + 1)]
    return np.array([1 - COLLAPSED in intervals[learned] for learned in rng.binomial(n, 1 - COLLAPSED, size=count)])


def run_flagged(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether the first of n normal runs is flagged."""
    return each(count, lambda: 0 in flagged(rng.normal(size=n)))


def hodges_lehmann_level(n: int) -> Bounds:
    """Return the level that the Hodges–Lehmann interval attains, twice."""
    attained = hodges_lehmann(np.zeros(n)).attained or 0.0
    return attained, attained


def with_collapses(rng: np.random.Generator, n: int, share: float) -> Array:
    """Return values of n runs, of which those that learn are standard normal."""
    return np.where(rng.uniform(size=n) < share, DROP, rng.normal(size=n))


def centre_covered(rng: np.random.Generator, n: int, count: int, *, share: float) -> Flags:
    """Return whether the Hodges–Lehmann interval holds the centre of the runs that learn."""
    return each(count, lambda: 0.0 in (hodges_lehmann(with_collapses(rng, n, share)).interval or ()))


def mean_covered(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether the t interval holds the mean over all runs, collapsed ones too."""
    truth = COLLAPSED * DROP
    return each(count, lambda: truth in (mean(with_collapses(rng, n, COLLAPSED)).interval() or ()))


def crossed_covered(rng: np.random.Generator, n: int, count: int, *, images: float, seeds_only: bool = False) -> Flags:
    """Return whether the interval holds the mean over seeds and images.

    images: the variance of the mean that comes of them, the seeds' being 1/n and the interaction's 0.3/n.
    """
    spread = math.sqrt(images * IMAGES / n)

    def draw() -> bool:
        shared = rng.normal(size=(n, 1)) + spread * rng.normal(size=IMAGES)
        table = shared + math.sqrt(0.3 * IMAGES) * rng.normal(size=(n, IMAGES))
        found = crossed_estimate(table)
        interval = mean(table.mean(1)).interval() if seeds_only else found.interval() if found else None
        return 0.0 in (interval or ())

    return each(count, draw)


class World:
    """Two variants on 400 images; whether an image is right is a probit of its difficulty and what a seed moves.

    A seed moves all images, and each of ten classes; the variants differ in what they find difficult.
    """

    classes = 0.3
    whole = 0.1
    advantage = 0.2

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.seed_variance = self.classes**2 + self.whole**2
        self.difficulty = self.draw_difficulty()

    def draw_difficulty(self) -> Array:
        """Return (2, 400), of new images."""
        shared, own = self.rng.normal(size=IMAGES), self.rng.normal(size=(2, IMAGES))
        return np.asarray(0.3 + 1.5 * shared + 0.5 * own + np.array([[0.0], [self.advantage]]))

    def runs(self, n: int, difficulty: Array | None = None) -> Bits:
        """Return (2, n, 400), right or wrong."""
        centre = (self.difficulty if difficulty is None else difficulty)[:, None]
        moved = self.whole * self.rng.normal(size=(2, n, 1))
        moved = moved + self.classes * np.repeat(self.rng.normal(size=(2, n, 10)), IMAGES // 10, axis=2)
        return np.asarray(centre + moved + self.rng.normal(size=(2, n, IMAGES)) > 0)

    def gain(self) -> float:
        """Return the second variant's accuracy less the first's, over all seeds and images."""
        spread = math.sqrt(1 + self.seed_variance + 1.5**2 + 0.5**2)
        return float(special.ndtr((0.3 + self.advantage) / spread) - special.ndtr(0.3 / spread))


def accuracy_covered(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether the interval holds the gain in accuracy, new seeds and new images being drawn each time."""
    world = World(rng)
    truth = world.gain()

    def draw() -> bool:
        first, second = world.runs(n, world.draw_difficulty()).astype(float)
        found = crossed_estimate(second - first)
        return found is not None and truth in found.interval()

    return each(count, draw)


def disagreement_within(bits: Bits) -> Estimate | None:
    """Return the disagreement within the first variant."""
    found = churn.within(bits[0])
    return found.disagreement if found else None


def kappa_between(bits: Bits) -> Estimate | None:
    """Return κ between the variants."""
    found = churn.between(*bits)
    return found.kappa if found else None


def kappa_excess(bits: Bits) -> Estimate | None:
    """Return κ between the variants less κ within."""
    found = churn.excess(*bits)
    return found.kappa if found else None


def churn_covered(rng: np.random.Generator, n: int, count: int, *, measure: Callable[[Bits], Estimate | None]) -> Flags:
    """Return whether the interval holds the measure of very many runs on the same images."""
    world = World(rng)
    many = measure(world.runs(2000))
    assert many is not None

    def draw() -> bool:
        found = measure(world.runs(n))
        interval = found.interval() if found else None
        return many.value in (interval or ())

    return each(count, draw)


SIMULATIONS = (
    Simulation(
        rule="mean proportion, logit scale",
        what="covers, about 0.5, logit sd 0.05",
        draw=functools.partial(proportion_covered, centre=0.0, spread=0.05),
        stated=exactly(LEVEL),
    ),
    Simulation(
        rule="mean proportion, logit scale",
        what="covers, about 0.02, logit sd 0.5",
        draw=functools.partial(proportion_covered, centre=-4.0, spread=0.5),
        stated=between(0.925, 0.955),
    ),
    Simulation(
        rule="mean of logits",
        what="covers the mean proportion, about 0.02, logit sd 0.5",
        draw=functools.partial(mean_logit_covered, centre=-4.0, spread=0.5),
        stated=None,
    ),
    Simulation(rule="share that learned", what="covers, 95 % learn", draw=learned_covered, stated=between(LEVEL, 1.0)),
    Simulation(rule="flag beyond 3 MAD", what="a normal run is flagged", draw=run_flagged, stated=None),
    Simulation(
        rule="Hodges–Lehmann, 95 % or the most that n attains",
        what="covers, normal",
        draw=functools.partial(centre_covered, share=0.0),
        stated=hodges_lehmann_level,
    ),
    Simulation(
        rule="Hodges–Lehmann, 95 % or the most that n attains",
        what="covers the centre of those that learn, 5 % collapsed",
        draw=functools.partial(centre_covered, share=COLLAPSED),
        stated=None,
    ),
    Simulation(rule="t", what="covers the mean of all, 5 % collapsed", draw=mean_covered, stated=None),
    *(
        Simulation(
            rule="seeds and images" if not seeds_only else "seeds alone",
            what=f"covers, images' variance {images} of the seeds'",
            draw=functools.partial(crossed_covered, images=images, seeds_only=seeds_only),
            stated=None if seeds_only else between(LEVEL, 0.98),
        )
        for seeds_only, images in ((False, 0.3), (False, 3.0), (True, 3.0))
    ),
    Simulation(
        rule="seeds and images",
        what="covers a gain in accuracy, right or wrong",
        draw=accuracy_covered,
        stated=between(LEVEL, 0.98),
    ),
    *(
        Simulation(
            rule="agreement over pairs of seeds",
            what=f"covers, {what}",
            draw=functools.partial(churn_covered, measure=measure),
            stated=between(0.94, 0.99),
        )
        for what, measure in (
            ("disagreement within", disagreement_within),
            ("κ between", kappa_between),
            ("κ between less within", kappa_excess),
        )
    ),
)
