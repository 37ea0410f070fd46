"""Verdicts on claims: looks, interactions, what n resolves, sign flips."""

import functools
import math

import numpy as np
from scipy import special

from alexnet_study.report.statistics.estimates import LEVEL, POWER, Array, holm, mean, noncentrality
from alexnet_study.report.statistics.interactions import interaction
from alexnet_study.report.statistics.looks import ALPHA, adjusted_for_look
from alexnet_study.report.statistics.resolving import resolution
from alexnet_study.report.statistics.sign_flips import claim_test, sign_flip_test
from benchmarks.simulations.simulation import Flags, Simulation, at_most, each, exactly
from benchmarks.simulations.vectors import flips_below_alpha

CLAIMS = 13  # of the published study
SHARES = (0.2, 0.8)


def t_test(samples: Array) -> Array:
    """Return two-sided p of samples (…, n, claims), over the n."""
    n = samples.shape[-2]
    t = samples.mean(-2) / (samples.std(-2, ddof=1) / math.sqrt(n))
    return np.asarray(2 * special.stdtr(n - 1, -np.abs(t)))


def ever_found(rng: np.random.Generator, n: int, count: int, *, claims: int, shares: tuple[float, float]) -> Flags:
    """Return whether a study of null claims, looked at with n and with 2n seeds, finds any."""
    shared, own = rng.normal(size=(count, 2 * n, 1)), rng.normal(size=(count, 2 * n, claims))
    samples = math.sqrt(0.5) * (shared + own)
    looks = [t_test(samples[:, :n]), t_test(samples)]

    def found(replication: int) -> bool:
        for p, share in zip(looks, shares, strict=True):
            adjusted = adjusted_for_look(holm(p[replication].tolist()), share)
            if any(value is not None and value < ALPHA for value in adjusted):
                return True
        return False

    return np.array([found(replication) for replication in range(count)])


def interaction_found(rng: np.random.Generator, n: int, count: int, *, correlation: float, paired: bool) -> Flags:
    """Return whether an interaction that isn't there is found, of two advantages that correlate."""

    def draw() -> bool:
        first = rng.normal(size=n)
        second = correlation * first + math.sqrt(1 - correlation**2) * rng.normal(size=n)
        result = interaction(first, second)
        p = (result.paired if paired else result.unpaired).p_value()
        return p is not None and p < ALPHA

    return each(count, draw)


def smallest_found(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether the difference said to be resolvable is found, at the level of the first of 13 claims, look 1."""
    level = SHARES[0] * ALPHA / CLAIMS
    shift = noncentrality(n - 1, POWER, 1 - level) / math.sqrt(n)
    return np.asarray(t_test(rng.normal(shift, 1.0, size=(count, n, 1)))[:, 0] < level)


def limit_holds(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether the limit of the resolvable difference is at least the one that the true spread gives."""
    example = resolution(mean(np.arange(float(n))), ALPHA)
    assert example is not None
    factor = example.upper / example.difference  # the same for every sample: the limit is the sd's
    return np.asarray(factor * rng.normal(size=(count, n)).std(1, ddof=1) >= 1)


def flips_found(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether sign flips find a difference in heavy-tailed values about 0."""
    return each(count, lambda: sign_flip_test(rng.standard_t(2, size=n)).p < ALPHA)


def coarse_found(rng: np.random.Generator, n: int, count: int) -> Flags:
    """Return whether t, or sign flips where there is no spread, find a difference in values −1, 0 and 1 about 0."""

    def draw() -> bool:
        values = rng.choice([-1.0, 0.0, 1.0], p=[0.4, 0.2, 0.4], size=n)
        test = claim_test(mean(values), values)
        return test is not None and test.p < ALPHA

    return each(count, draw)


def stability_found(rng: np.random.Generator, n: int, count: int, *, ratio: float) -> Flags:
    """Return whether a paired t test finds that one variant's runs lie nearer to their median than another's.

    Runs are normal, one value each, their standard deviations `ratio` and 1; the two variants are independent.
    """
    own, other = ratio * rng.normal(size=(count, n)), rng.normal(size=(count, n))
    away = [np.abs(values - np.median(values, axis=1, keepdims=True)) for values in (own, other)]
    return np.asarray(t_test((away[0] - away[1])[:, :, None])[:, 0] < ALPHA)


SIMULATIONS = (
    *(
        Simulation(
            rule="stability, distance from the median",
            what=f"{'found where there is none' if ratio == 1 else 'power: the spread is half'}, one test at 0.05",
            draw=functools.partial(stability_found, ratio=ratio),
            stated=at_most(ALPHA) if ratio == 1 else None,
        )
        for ratio in (1.0, 0.5)
    ),
    *(
        Simulation(
            rule="looks, shares 0.2 and 0.8",
            what=f"any of {claims} null claims found with n or 2n seeds",
            draw=functools.partial(ever_found, claims=claims, shares=SHARES),
            stated=at_most(ALPHA),
        )
        for claims in (1, CLAIMS)
    ),
    Simulation(
        rule="looks, the whole error at each",
        what="any of 1 null claims found with n or 2n seeds",
        draw=functools.partial(ever_found, claims=1, shares=(1.0, 1.0)),
        stated=None,
    ),
    *(
        Simulation(
            rule=f"interaction, {'paired by seed' if paired else 'Welch'}",
            what=f"found where there is none, correlation {correlation:+.1f}",
            draw=functools.partial(interaction_found, correlation=correlation, paired=paired),
            stated=exactly(ALPHA) if paired else None,
        )
        for paired in (True, False)
        for correlation in (-0.8, 0.8)
    ),
    Simulation(
        rule="resolvable difference",
        what="found at the level 0.2 · 0.05/13, the spread being known",
        draw=smallest_found,
        stated=exactly(POWER),
    ),
    Simulation(
        rule="resolvable difference",
        what="its upper limit is above the true one",
        draw=limit_holds,
        stated=exactly(LEVEL),
    ),
    Simulation(
        rule="sign flips",
        what="found where there is none, heavy tails",
        draw=flips_found,
        stated=flips_below_alpha,
    ),
    Simulation(
        rule="t, sign flips without spread",
        what="found where there is none, values −1, 0, 1",
        draw=coarse_found,
        stated=at_most(0.06),
    ),
)
