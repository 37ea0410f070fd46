"""The claims of a reference worked out again from its runs' files and the study's YAML, by tests/report/independent.py.

Nothing of the report is imported: an error there can't hide here.
"""

import functools
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from scipy import stats

from tests.report import independent
from tests.report.independent import Array

ROOT = Path("results/reference")
SHARES = ("top1", "recall", "variance_in_two", "curve_deviation")  # the figures shown in %


class Run(NamedTuple):
    """What a run's folder holds."""

    summary: dict[str, Any]
    epochs: list[dict[str, Any]]
    hash: str
    encodings: list[str]


Runs = dict[str, dict[int, Run]]  # by variant and seed


def study_of(name: str) -> dict[str, Any]:
    document = yaml.safe_load(Path(f"jobs/studies/{name}.yaml").read_text())
    base = document.pop("extends", None)
    return {**yaml.safe_load(Path(f"jobs/studies/{base}").read_text()), **document} if base else document


@functools.cache
def runs_of(name: str) -> Runs:
    found: Runs = {}
    for path in (ROOT / name).glob("*/seed-*/summary.json"):
        epochs = [json.loads(line) for line in path.with_name("metrics.jsonl").read_text().splitlines()]
        own_hash = json.loads(path.with_name("config.json").read_text())["hash"]
        encodings = json.loads(path.with_name("provenance.json").read_text())["source"].get("encodings", [])
        seed = int(path.parent.name.removeprefix("seed-"))
        run = Run(json.loads(path.read_text()), epochs, own_hash, encodings)
        found.setdefault(path.parent.parent.name, {})[seed] = run
    return found


def value_of(metric: str, summary: dict[str, Any]) -> float:
    if derived := re.fullmatch(r"derived\.(intact|lesioned)\.(.*)", metric):
        ratios = summary["evaluations"][derived[1]]["pca"]["explained_variance_ratio"]
        if derived[2] == "variance_in_two":
            return float(sum(ratios[:2]))
        assert derived[2] == "components_90"
        return 1.0 + next(i for i, total in enumerate(np.cumsum(ratios)) if total >= 0.9)
    here: Any = summary
    for part in metric.split("."):
        here = here[summary["classes"].index(part)] if isinstance(here, list) else here[part]
    return float(here)


def values_of(runs: Runs, group: str, metric: str, seeds: set[int]) -> dict[int, float]:
    """Return a metric of the runs of a variant, or of a variant in one evaluation, as `skip lesioned`, by seed."""
    variant, _, evaluation = group.partition(" ")
    metric = metric.replace(".intact.", f".{evaluation}.") if evaluation else metric
    own = {seed: run for seed, run in sorted(runs.get(variant, {}).items()) if seed in seeds}
    if metric == "derived.curve_deviation":
        curves = np.array([[epoch["test_top1"] for epoch in run.epochs] for run in own.values()])
        return dict(zip(own, np.abs(curves - np.median(curves, 0)).mean(1).tolist(), strict=True))
    if metric == "derived.plateau_epochs":
        return {seed: plateau_epochs(run) for seed, run in own.items()}
    if metric == "derived.epochs_to_quarter_error":
        return {seed: epochs_to_quarter_error(run) for seed, run in own.items()}
    return {seed: value_of(metric, run.summary) for seed, run in own.items()}


def epochs_until(run: Run, reached: Callable[[dict[str, Any]], bool]) -> float:
    """Return the number of the first epoch that has reached it; one more than there are where none has."""
    return float(next((number for number, epoch in enumerate(run.epochs, 1) if reached(epoch)), len(run.epochs) + 1))


def epochs_to_quarter_error(run: Run) -> float:
    """Return the epochs until 75 % of the training images are right."""
    return epochs_until(run, lambda epoch: epoch["train_eval_top1"] >= 0.75)


def plateau_epochs(run: Run) -> float:
    """Return the epochs until the test loss is below 95 % of ln C."""
    guess = math.log(len(run.summary["classes"]))
    return epochs_until(run, lambda epoch: epoch["test_loss"] < 0.95 * guess)


def seed_order(study: dict[str, Any]) -> list[int]:
    return study["seeds"] if isinstance(study["seeds"], list) else list(range(study["seeds"]))


def looks_of(study: dict[str, Any]) -> dict[int, float]:
    return study.get("looks") or {len(seed_order(study)): 1.0}


class Claim:
    """One claim, computed again; what is not defined is None."""

    def __init__(self, entry: dict[str, Any], runs: Runs, study: dict[str, Any], at: int = 0) -> None:
        """at: the look that is asked for; by default the last one that the claim's runs have reached."""
        self.declared, self.study, self.weights, self.metric = entry, study, entry["variants"], entry["metric"]
        self.null = entry.get("below", 0.0)
        order, self.looks = seed_order(study), looks_of(study)
        finished = set.intersection(*(set(runs.get(name, {})) for name in self.variants))
        self.reached = next((i for i, seed in enumerate(order) if seed not in finished), len(order))
        self.look = at or max((n for n in self.looks if n <= self.reached), default=0)
        self.share = self.looks.get(self.look, 0.0)
        self.seeds = set(order[: self.look]) if self.look else {seed for own in runs.values() for seed in own}
        self.runs = runs
        self.table: Array | None = None
        self.plain: Array | None = None
        if entry.get("over_classes"):
            parent, _, name = self.metric.rpartition(".")
            classes = next(iter(next(iter(runs.values())).values())).summary["classes"]
            by_class = [self.paired(f"{parent}.{own}") for own in classes]
            column = classes.index(name)
            means = {group: np.mean([own[group] for own in by_class], 0) for group in self.weights}
            self.groups = {group: by_class[column][group] - means[group] for group in self.weights}
            gains = np.array([self.sum(own) for own in by_class]).T
            self.plain, self.table = gains[:, column], gains - gains.mean(1, keepdims=True)
            self.values, self.p = self.table[:, column], independent.max_t(self.table, column)
        else:
            self.groups = self.paired(self.metric)
            self.values = self.sum(self.groups)
            self.p = self.plain_p()
        self.family: list[float | None] = []  # p of all claims at this one's look, None of those that are not there yet

    @property
    def variants(self) -> set[str]:
        return {group.partition(" ")[0] for group in self.weights}

    @property
    def flat(self) -> bool:
        return len(self.values) > 1 and bool(np.ptp(self.values) == 0)

    def paired(self, metric: str) -> dict[str, Array]:
        """Return the values of each of its groups, of the seeds that all have."""
        values = {group: values_of(self.runs, group, metric, self.seeds) for group in self.weights}
        common = sorted(set.intersection(*map(set, values.values())))
        return {group: np.array([own[seed] for seed in common]) for group, own in values.items()}

    def sum(self, groups: dict[str, Array]) -> Array:
        return np.sum([weight * groups[group] for group, weight in self.weights.items()], 0)

    def plain_p(self) -> float:
        """Return the p of a t test; of runs without spread, about which it says nothing, that of sign flips."""
        if self.flat:
            return independent.flip_p(self.values - self.null)
        return float(stats.ttest_1samp(self.values, self.null).pvalue) if len(self.values) else math.nan

    @property
    def index(self) -> int:
        return self.study["claims"].index(self.declared)

    @property
    def level(self) -> float | None:
        return independent.level_of(self.index, self.family, self.share) if self.look else None

    @property
    def adjusted_p(self) -> float | None:
        p = independent.holm(self.family)[self.index] if self.look else None
        return None if p is None else min(1.0, p / self.share)

    @property
    def least_p(self) -> float | None:
        """Return the least p of its test; None of a t test, which has none."""
        if self.table is not None:
            return independent.least_p(self.table)
        return independent.least_p(self.values - self.null) if self.flat else None

    @property
    def powerless(self) -> bool:
        return self.least_p is not None and self.level is not None and self.least_p >= self.level

    @property
    def verdict(self) -> str:
        p, n = self.adjusted_p, len(self.values)
        if p is None or p >= 0.05:
            return f"{'interim' if not self.look else 'not resolved'} at n = {n}"
        above, greater = self.values.mean() > self.null, self.declared.get("direction") == "greater"
        said = "supported" if above == greater else "contradicted"
        if said == "supported" and self.inside("intact") is False:
            said = "supported in direction; the published size is not"
        original = self.study.get("published", {}).get("data") == "original"
        encodings = {encoding for own in self.runs.values() for run in own.values() for encoding in run.encodings}
        return f"{said}, on a re-encoded copy" if original and encodings & {"jpeg", "webp"} else said

    @property
    def published(self) -> float | None:
        """Return the published figures in the claim's sum; None where one lacks, or the claim names evaluations."""
        figures = self.study.get("published", {}).get("figures", [])
        total = 0.0
        for group, weight in self.weights.items():
            own = [each for each in figures if self.metric in each["metrics"] and group in each["values"]]
            if not own:
                return None
            total += weight * own[0]["values"][group][own[0]["metrics"].index(self.metric)]
        return total

    def predicted(self, evaluation: str) -> list[float] | None:
        """Return the prediction interval of one further run of each variant; a baseline has no skip to be without."""
        without = [name for name in self.variants if not self.has(name, evaluation)]
        if evaluation != "intact":
            of_run, names_evaluations = ".intact." not in self.metric, any(" " in group for group in self.weights)
            if of_run or names_evaluations or len(without) == len(self.variants):
                return None
        elif not len(self.values):
            return None
        else:  # one variant alone would be predicted on the logit scale, were its figure a share
            assert len(self.weights) > 1 or not self.shown_as_share
        samples = []
        for group, weight in self.weights.items():
            named = f"{group} {evaluation}" if evaluation != "intact" and group not in without else group
            own = values_of(self.runs, named, self.metric, self.seeds)
            samples.append((weight, np.array(list(own.values()))))
        return independent.prediction_interval(samples)

    def has(self, variant: str, evaluation: str) -> bool:
        return any(evaluation in run.summary["evaluations"] for run in self.runs.get(variant, {}).values())

    def inside(self, evaluation: str) -> bool | None:
        interval, published = self.predicted(evaluation), self.published
        return None if interval is None or published is None else interval[0] <= published <= interval[1]

    @property
    def shown_as_share(self) -> bool:
        return any(part in SHARES for part in self.metric.split("."))

    @property
    def advantages(self) -> tuple[Array, Array] | None:
        """Return the two advantages of a difference of differences, by seed."""
        weights = list(self.weights.values())
        if len(weights) != 4 or sum(weights[:2]) or sum(weights[2:]):
            return None
        a, b, c, d = (weight * self.groups[group] for group, weight in self.weights.items())
        return a + b, -(c + d)

    @property
    def sensitivity(self) -> dict[str, Any]:
        if not len(self.values):
            return dict.fromkeys(("unpaired_interval", "correlation_of_advantages", "sign_flip_p", "least_sign_flip_p"))
        pair = self.advantages
        blocks = [pair[0], -pair[1]] if pair else [w * self.groups[group] for group, w in self.weights.items()]
        away = self.values - self.null
        return {
            "unpaired_interval": independent.unpaired_interval(blocks),
            "correlation_of_advantages": float(stats.pearsonr(*pair).statistic) if pair else None,
            "sign_flip_p": independent.flip_p(away),
            "least_sign_flip_p": independent.least_p(away),
        }

    @property
    def test(self) -> str:
        if self.table is not None:
            return "joint sign-flip max-T over classes, less the mean gain"
        if self.flat:
            return "sign flips, for want of spread"
        return "one-sample t" if len(self.weights) == 1 else "seed-paired t"

    def as_json(self) -> dict[str, Any]:
        """Return what report.json is to say of the claim, without its texts and its resolution."""
        n, fresh = len(self.values), self.reached - self.look
        state = "interim" if not self.look else "replication" if fresh and self.look == max(self.looks) else "judged"
        below = self.declared.get("below")
        center, interval, attained = independent.hodges_lehmann(self.values) if n else (None, None, None)
        gain = (
            {"estimate": self.plain.mean(), "interval": independent.t_interval(self.plain), "n": n}
            if self.plain is not None
            else None
        )
        return {
            "id": self.declared["id"],
            "metric": self.metric,
            "variants": self.weights,
            "claimed": f"{self.declared['direction']} than 0" if below is None else f"below {below}",
            "estimate": self.values.mean() if n else None,
            "interval": independent.t_interval(self.values),
            "n": n,
            "test": self.test,
            "p": self.p if n else None,
            "least_p": self.least_p,
            "adjusted_p": self.adjusted_p,
            "look": {"state": state, "n_used": self.look, "share": self.share, "fresh": fresh, "level": self.level},
            "hodges_lehmann": {"value": center, "interval": interval, "attained": attained} if n else None,
            "plain_gain": gain,
            "sensitivity": self.sensitivity,
            "replication": None,  # no reference has more seeds than its last look, or its state would tell
            "published": self.published,
            "prediction_interval": {name: self.predicted(name) for name in ("intact", "lesioned")},
            "inside_prediction_interval": {name: self.inside(name) for name in ("intact", "lesioned")},
            "verdict": self.verdict,
        }


def claims_of(study: dict[str, Any], runs: Runs) -> list[Claim]:
    """Return the claims, each with the p of all that are judged, or were, at its own look."""
    claims = [Claim(entry, runs, study) for entry in study["claims"]]
    for look in {claim.look for claim in claims} - {0}:
        family = [
            None if claim.look < look else claim.p if claim.look == look else Claim(entry, runs, study, at=look).p
            for entry, claim in zip(study["claims"], claims, strict=True)
        ]
        for claim in claims:
            if claim.look == look:
                claim.family = family
    return claims


@functools.cache
def reference_claims(name: str) -> list[Claim]:
    return claims_of(study_of(name), runs_of(name))
