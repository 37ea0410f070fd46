"""Every number of a reference's claims, computed again from its runs' files with numpy and scipy alone.

Nothing of the report is imported: an error there can't hide here.
"""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy import stats

REFERENCES = ("ladder", "seeds", "skip", "skip_jpeg", "where", "why")
ROOT = Path("results/reference")
Values = dict[str, dict[int, float]]


def study_of(name: str) -> dict[str, Any]:
    document = yaml.safe_load(Path(f"jobs/studies/{name}.yaml").read_text())
    base = document.pop("extends", None)
    return {**yaml.safe_load(Path(f"jobs/studies/{base}").read_text()), **document} if base else document


def runs_of(name: str) -> dict[str, dict[int, tuple[dict[str, Any], list[dict[str, Any]]]]]:
    """Return summary and epochs of each run, by variant and seed."""
    found: dict[str, dict[int, tuple[dict[str, Any], list[dict[str, Any]]]]] = {}
    for path in (ROOT / name).glob("*/seed-*/summary.json"):
        epochs = [json.loads(line) for line in path.with_name("metrics.jsonl").read_text().splitlines()]
        seed = int(path.parent.name.removeprefix("seed-"))
        found.setdefault(path.parent.parent.name, {})[seed] = (json.loads(path.read_text()), epochs)
    return found


def value_of(metric: str, summary: dict[str, Any]) -> float:
    if metric.startswith("derived.intact."):
        ratios = summary["evaluations"]["intact"]["pca"]["explained_variance_ratio"]
        if metric == "derived.intact.variance_in_two":
            return float(sum(ratios[:2]))
        assert metric == "derived.intact.components_90"
        return 1.0 + next(i for i, total in enumerate(np.cumsum(ratios)) if total >= 0.9)
    here: Any = summary
    for part in metric.split("."):
        here = here[summary["classes"].index(part)] if isinstance(here, list) else here[part]
    return float(here)


def values_of(runs: Any, variant: str, metric: str, seeds: set[int]) -> dict[int, float]:
    variant, _, evaluation = variant.partition(" ")
    metric = metric.replace(".intact.", f".{evaluation}.") if evaluation else metric
    own = {seed: run for seed, run in sorted(runs.get(variant, {}).items()) if seed in seeds}
    if metric == "derived.curve_deviation":
        curves = np.array([[epoch["test_top1"] for epoch in epochs] for _, epochs in own.values()])
        return dict(zip(own, np.abs(curves - np.median(curves, 0)).mean(1).tolist(), strict=True))
    if metric == "derived.plateau_epochs":
        return {seed: plateau_epochs(epochs, len(summary["classes"])) for seed, (summary, epochs) in own.items()}
    return {seed: value_of(metric, summary) for seed, (summary, _) in own.items()}


def plateau_epochs(epochs: list[dict[str, Any]], classes: int) -> float:
    """Return the epochs until the test loss is below 95 % of ln C; one more than there are where it never is."""
    left = [number for number, epoch in enumerate(epochs, 1) if epoch["test_loss"] < 0.95 * math.log(classes)]
    return float(min(left, default=len(epochs) + 1))


def signs(n: int) -> NDArray[np.float64]:
    """Return all 2ⁿ sign flips, or beyond twelve seeds the 4,096 that the report draws."""
    if n <= 12:
        return np.array(list(itertools.product([1.0, -1.0], repeat=n)))
    return np.vstack([np.ones(n), 1.0 - 2.0 * np.random.default_rng(20241).integers(0, 2, size=(4095, n))])


def max_t(table: NDArray[np.float64], column: int) -> float:
    """Return the single-step max-T p of one column, by t statistics of all flips."""

    def t(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):
            return np.asarray(np.abs(rows.mean(0)) / np.sqrt(rows.var(0, ddof=1) / len(rows)))

    own = t(table)[column]
    return float(np.mean([t(table * flip[:, None]).max() >= own * (1 - 1e-9) for flip in signs(len(table))]))


def flip_p(values: NDArray[np.float64]) -> float:
    sums = np.abs(signs(len(values)) @ values)  # |t| is a rising function of |mean|, the sum of squares being the same
    return float((sums >= abs(values.sum()) * (1 - 1e-9)).mean())


def least_p(n: int) -> float:
    """Return the least p that flips can give: a table and its negative count, of those drawn the identity alone."""
    return 2 / 2**n if n <= 12 else 1 / 4096


def holm(p_values: list[float | None]) -> list[float | None]:
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(sorted((p, i) for i, p in enumerate(p_values) if p is not None)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        adjusted[index] = highest
    return adjusted


def hodges_lehmann(values: NDArray[np.float64]) -> tuple[float, list[float] | None]:
    n = len(values)
    walsh = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
    counts = np.zeros(n * (n + 1) // 2 + 1)
    counts[0] = 1
    for rank in range(1, n + 1):
        counts[rank:] = counts[rank:] + counts[: len(counts) - rank].copy()
    k = int((2 * np.cumsum(counts) / 2**n <= 0.05 + 1e-12).sum())
    return float(np.median(walsh)), [walsh[k - 1], walsh[-k]] if k else None


def power(effect: float, spread: float, n: int, level: float) -> float:
    """Return the power of a two-sided t test: over χ²'s quantiles, as scipy's nct is nan for large effects."""
    critical, shift = stats.t.ppf(1 - level / 2, n - 1), effect / spread * math.sqrt(n)
    quantiles = (np.arange(20_000) + 0.5) / 20_000
    bounds = critical * np.sqrt(stats.chi2.ppf(quantiles, n - 1) / (n - 1))
    return float((stats.norm.sf(bounds - shift) + stats.norm.cdf(-bounds - shift)).mean())


class Claim:
    """One claim, computed again; what is not defined is None."""

    def __init__(self, entry: dict[str, Any], runs: Any, study: dict[str, Any], at: int = 0) -> None:
        """at: the look that is asked for; by default the last one that the claim's runs have reached."""
        self.weights, self.metric = entry["variants"], entry["metric"]
        self.null = entry.get("below", 0.0)
        order = study["seeds"] if isinstance(study["seeds"], list) else list(range(study["seeds"]))
        looks = study.get("looks") or {len(order): 1.0}
        finished = set.intersection(*(set(runs.get(name.partition(" ")[0], {})) for name in self.weights))
        prefix = next((i for i, seed in enumerate(order) if seed not in finished), len(order))
        self.look = at or max((n for n in looks if n <= prefix), default=0)
        self.share = looks.get(self.look)
        seeds = set(order[: self.look]) if self.look else {seed for own in runs.values() for seed in own}
        self.table = None
        if entry.get("over_classes"):
            parent, _, name = self.metric.rpartition(".")
            classes = next(iter(next(iter(runs.values())).values()))[0]["classes"]
            gains = np.array([self.sums(runs, f"{parent}.{own}", seeds) for own in classes]).T
            self.plain, self.column = gains[:, classes.index(name)], classes.index(name)
            self.table = gains - gains.mean(1, keepdims=True)
            self.values = self.table[:, self.column]
            self.p = max_t(self.table, self.column)
        else:
            self.values = self.sums(runs, self.metric, seeds)
            self.p = self.plain_p()
        self.family: list[float | None] = []  # p of all claims at this one's look, None of those that are not there yet

    def plain_p(self) -> float:
        """Return the p of a t test; of runs without spread, about which it says nothing, that of sign flips."""
        if self.flat:
            return flip_p(self.values - self.null)
        return float(stats.ttest_1samp(self.values, self.null).pvalue) if len(self.values) else math.nan

    @property
    def flat(self) -> bool:
        return len(self.values) > 1 and bool(np.ptp(self.values) == 0)

    def sums(self, runs: Any, metric: str, seeds: set[int]) -> NDArray[np.float64]:
        values = {variant: values_of(runs, variant, metric, seeds) for variant in self.weights}
        common = sorted(set.intersection(*map(set, values.values())))
        return np.array([sum(w * values[v][seed] for v, w in self.weights.items()) for seed in common])

    def interval(self, level: float = 0.95) -> list[float]:
        return list(stats.ttest_1samp(self.values, 0.0).confidence_interval(level))


def level_of(index: int, p_values: list[float | None], share: float) -> float:
    """Return the level at which Holm's procedure judges a claim."""
    m, spent = len(p_values), 0.05 * share
    rejected = [i for i, p in enumerate(holm(p_values)) if p is not None and p < spent]
    rejected.sort(key=lambda i: p_values[i] or 0.0)
    return spent / (m - rejected.index(index)) if index in rejected else spent / (m - len(rejected))


@pytest.fixture(params=REFERENCES)
def both(request: pytest.FixtureRequest) -> tuple[list[Claim], list[dict[str, Any]]]:
    """Return the claims of a reference, computed again, and as its report has them."""
    study, runs = study_of(request.param), runs_of(request.param)
    reported = json.loads((ROOT / request.param / "report/report.json").read_text())["claims"]
    return claims_of(study, runs), reported


def claims_of(study: dict[str, Any], runs: Any) -> list[Claim]:
    """Return the claims, each with the p of all that are judged, or were, at its own look."""
    claims = [Claim(entry, runs, study) for entry in study["claims"]]
    for look in {claim.look for claim in claims} - {0}:
        there = [claim.look >= look for claim in claims]
        pairs = zip(study["claims"], there, strict=True)
        family = [Claim(entry, runs, study, at=look).p if reached else None for entry, reached in pairs]
        for claim in claims:
            if claim.look == look:
                claim.family = family
    return claims


def test_estimates_intervals_and_p_are_the_reports(both: tuple[list[Claim], list[dict[str, Any]]]) -> None:
    for claim, entry in zip(*both, strict=True):
        if not len(claim.values):  # a variant of which no run is there
            assert (entry["n"], entry["estimate"], entry["p"]) == (0, None, None)
            continue
        assert entry["estimate"] == pytest.approx(claim.values.mean(), rel=1e-9, abs=1e-12)
        assert entry["interval"] == (None if claim.flat else pytest.approx(claim.interval(), rel=1e-9, abs=1e-12))
        assert entry["n"] == len(claim.values)
        assert entry["p"] == pytest.approx(claim.p, rel=1e-8)
        assert entry["sensitivity"]["sign_flip_p"] == pytest.approx(flip_p(claim.values - claim.null))
        value, interval = hodges_lehmann(claim.values)
        assert entry["hodges_lehmann"]["value"] == pytest.approx(value)
        assert entry["hodges_lehmann"]["interval"] == (pytest.approx(interval) if interval else None)
        by_flips = claim.table is not None or claim.flat
        moving = len(claim.values) if claim.table is not None else np.count_nonzero(claim.values - claim.null)
        assert entry["least_p"] == (least_p(int(moving)) if by_flips else None)
        if claim.table is not None:
            assert entry["plain_gain"]["estimate"] == pytest.approx(claim.plain.mean())


def test_adjusted_p_and_verdicts_are_the_reports(both: tuple[list[Claim], list[dict[str, Any]]]) -> None:
    claims, reported = both
    for index, (claim, entry) in enumerate(zip(claims, reported, strict=True)):
        p = holm(claim.family)[index] if claim.look else None
        if p is None:
            assert (entry["adjusted_p"], entry["verdict"]) == (None, f"interim at n = {len(claim.values)}")
            continue
        p = min(1.0, p / (claim.share or 1.0))
        assert entry["adjusted_p"] == pytest.approx(p, rel=1e-8)
        above = claim.values.mean() > claim.null
        with_claim = above == entry["claimed"].startswith("greater")
        outcome = "not resolved" if p >= 0.05 else "supported" if with_claim else "contradicted"
        assert entry["verdict"].startswith(outcome)


def test_what_n_resolves_is_the_reports(both: tuple[list[Claim], list[dict[str, Any]]]) -> None:
    claims, reported = both
    for index, (claim, entry) in enumerate(zip(claims, reported, strict=True)):
        found, n = entry["resolution"], len(claim.values)
        if not claim.look:
            continue
        level = level_of(index, claim.family, claim.share or 1.0)
        assert entry["look"]["level"] == pytest.approx(level)
        if claim.flat:
            assert found is None
            continue
        level /= claim.table.shape[1] if claim.table is not None else 1
        spread = claim.values.std(ddof=1)
        assert found["level"] == pytest.approx(level)
        assert found["interval"] == pytest.approx(claim.interval(1 - level), rel=1e-8)
        assert power(found["difference"], spread, n, level) == pytest.approx(0.8, abs=2e-4)
        factor = math.sqrt((n - 1) / stats.chi2.ppf(0.05, n - 1))
        assert found["upper"] == pytest.approx(found["difference"] * factor)
        effect = abs(claim.values.mean() - claim.null)
        assert power(effect, spread, found["seeds"], level) > 0.8 - 1e-4
        assert found["seeds"] == 2 or power(effect, spread, found["seeds"] - 1, level) < 0.8 + 1e-4


def test_looks_are_recorded_with_the_verdicts(both: tuple[list[Claim], list[dict[str, Any]]]) -> None:
    for claim, entry in zip(*both, strict=True):
        assert entry["look"]["n_used"] == claim.look
