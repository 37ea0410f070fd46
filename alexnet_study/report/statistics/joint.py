"""A published vector among runs: an exact rank of its distance, its power, and a log predictive density beside it.

A vector (k,) holds k figures, a run's vector likewise; runs are (n, k), float64.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from alexnet_study.report.statistics.estimates import Array, Interval
from alexnet_study.report.statistics.looks import ALPHA
from alexnet_study.report.statistics.resampling import SEED, TIES

LEAST_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class JointRank:
    """Where a published vector ranks among runs.

    score: its mean distance to the runs; scores: (n,), each run's mean distance to the n others, the vector among them.
    p: the share of the n + 1 scores that are at least `score`. pairs: the least and the largest distance between two
    runs; to_runs: between the vector and a run. figures: how many of the k vary, and so count. Distances are root mean
    squares over figures, each figure in standard deviations of all n + 1 points.
    """

    score: float
    scores: tuple[float, ...]
    p: float
    pairs: Interval
    to_runs: Interval
    figures: int

    @property
    def n(self) -> int:
        """Return the number of runs."""
        return len(self.scores)

    @property
    def floor(self) -> float:
        """Return the least p that n runs allow, 1/(n + 1)."""
        return 1 / (self.n + 1)

    def can_refuse(self, level: float = ALPHA) -> bool:
        """Return whether any vector at all could be refused at `level`."""
        return self.floor < level

    def fits(self, level: float = ALPHA) -> bool:
        """Return whether the vector isn't refused at `level`; always true where n can't refuse."""
        return self.p >= level


def runs_to_refuse(level: float = ALPHA) -> int:
    """Return the least n whose floor 1/(n + 1) is below `level`: 20 at 5 %, as 19 runs reach p = 0.05 and not less."""
    return math.floor(1 / level + TIES)


def joint_rank(vector: Sequence[float] | Array, runs: Array) -> JointRank | None:
    """Rank a published vector (k,) among runs (n, k); return None for n < 3 or where no figure varies.

    The vector joins the runs; the figures' scales, and every point's mean distance to the others, come from all n + 1.
    All points being treated alike, the rank of the vector is uniform where it is a run like the others, so that
    P(p ≤ j/(n + 1)) = j/(n + 1), exactly, whatever the law and the dependence of the figures, ties aside, which make it
    less. (Scales from the n runs alone favour the runs: they are near their own mean, the vector isn't.) Which figures
    count, and on which scale (fractions or logits), is to be fixed before the runs are seen: another choice can move
    the rank by a place or two.
    """
    points = np.vstack([np.asarray(runs, dtype=float), np.asarray(vector, dtype=float)])
    n = len(points) - 1
    varying = np.ptp(points, axis=0) > 0
    if n < LEAST_RUNS or not varying.any():
        return None
    distances = distance_matrix(points)
    scores = distances.sum(1) / n
    between = distances[:n, :n][np.triu_indices(n, 1)]
    return JointRank(
        score=float(scores[n]),
        scores=tuple(scores[:n].tolist()),
        p=float(rank_p(scores)),
        pairs=Interval(low=float(between.min()), high=float(between.max())),
        to_runs=Interval(low=float(distances[n, :n].min()), high=float(distances[n, :n].max())),
        figures=int(varying.sum()),
    )


def distance_matrix(points: Array) -> Array:
    """Return distances (…, m, m) between points (…, m, k), each figure in its standard deviation (ddof 1) over the m.

    A distance is the root mean square over the figures that vary.
    """
    centred = points - points.mean(-2, keepdims=True)
    varying = np.ptp(points, axis=-2, keepdims=True) > 0
    spread = points.std(-2, ddof=1, keepdims=True)
    scaled = np.divide(centred, spread, where=varying, out=np.zeros_like(centred))
    squares = ((scaled[..., :, None, :] - scaled[..., None, :, :]) ** 2).sum(-1)
    return np.asarray(np.sqrt(squares / np.maximum(varying.sum(-1, keepdims=True), 1)))


def rank_p(scores: Array) -> Array:
    """Return the share (…) of scores (…, n + 1) that are at least the last."""
    return np.asarray((scores >= scores[..., -1:] * (1 - TIES)).mean(-1))


@dataclass(frozen=True, kw_only=True)
class JointPower:
    """How often a vector that is off is refused. refused: the share of `replications` with p ≤ `level`."""

    refused: float
    level: float
    replications: int

    @property
    def error(self) -> float:
        """Return the standard error of `refused`."""
        return math.sqrt(self.refused * (1 - self.refused) / self.replications)


def joint_power(
    n: int, figures: int, shift: float = 1.0, correlation: float = 0.0, level: float | None = None, count: int = 2000
) -> JointPower:
    """Simulate how often a vector off by `shift` standard deviations in every figure is refused among n normal runs.

    level: 1/(n + 1), the vector being the farthest of all, unless given. correlation: of any two figures, in [0, 1].
    The shift has one sign throughout; by symmetry the signs matter only where figures correlate.
    """
    level = 1 / (n + 1) if level is None else level
    points = simulated_points(np.random.default_rng(SEED), count, n, figures, correlation)
    points[:, n] += shift
    refused = rank_p(distance_matrix(points).sum(-1)) <= level * (1 + TIES)
    return JointPower(refused=float(refused.mean()), level=level, replications=count)


def simulated_points(rng: np.random.Generator, count: int, n: int, figures: int, correlation: float) -> Array:
    """Return (count, n + 1, figures) standard normal values whose figures have one `correlation`."""
    own, shared = rng.normal(size=(count, n + 1, figures)), rng.normal(size=(count, n + 1, 1))
    return np.asarray(math.sqrt(1 - correlation) * own + math.sqrt(correlation) * shared)


@dataclass(frozen=True, kw_only=True)
class LogDensity:
    """Log predictive densities, natural logarithm, in the figures' own units; a description, not a test.

    vector: of the published vector, given n runs. runs: (n,), of each run, given the n − 1 others. figures: how many
    of the k vary, and so count.
    """

    vector: float
    runs: tuple[float, ...]
    figures: int


def log_predictive_density(vector: Sequence[float] | Array, runs: Array) -> LogDensity | None:
    """Return the log density of a published vector (k,), given runs (n, k); None for n < 3 or where no figure varies.

    The sum over figures of the log density of Student's t with n − 1 degrees of freedom, centre the mean and scale
    s √(1 + 1/n): the predictive law of one further normal run under Jeffreys' prior (Gelman et al., Bayesian Data
    Analysis, 3rd ed., section 3.2), whose interval is the prediction interval of a single figure. Figures are taken as
    independent: with k near or above n a covariance can't be estimated, and a shrunk one would hang on the shrinkage.
    Dependent figures (recalls are) are thus counted more than once; hence compare two evaluations of one vector, or the
    vector with the runs, and don't read the value as evidence. The difference of two densities of one vector doesn't
    depend on units.
    """
    samples, target = np.asarray(runs, dtype=float), np.asarray(vector, dtype=float)
    n = len(samples)
    if n < LEAST_RUNS:
        return None
    others = [np.delete(samples, i, axis=0) for i in range(n)]
    varying = np.all([np.ptp(rest, axis=0) > 0 for rest in others], axis=0)
    if not varying.any():
        return None
    own = [_log_t(samples[i, varying], rest[:, varying]) for i, rest in enumerate(others)]
    vector_density = _log_t(target[varying], samples[:, varying])
    return LogDensity(vector=vector_density, runs=tuple(own), figures=int(varying.sum()))


def _log_t(point: Array, samples: Array) -> float:
    n = len(samples)
    df, scale = n - 1, samples.std(0, ddof=1) * math.sqrt(1 + 1 / n)
    z = (point - samples.mean(0)) / scale
    constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * math.log(df * math.pi)
    return float((constant - np.log(scale) - (df + 1) / 2 * np.log1p(z**2 / df)).sum())
