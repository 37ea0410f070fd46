"""The skip's advantage by condition, recomputed from the runs' files."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.factorial import pairs
from alexnet_study.report.material import Material, gather
from alexnet_study.report.sections import advantage
from alexnet_study.report.sections.comparison import compared, differences
from alexnet_study.study.study import load_study
from tests.pointer import lie_on_a_linear_axis

SEEDS = 4


@pytest.fixture
def factorial(tmp_path: Path, write_runs: Callable[..., None]) -> Material:
    study = dataclasses.replace(load_study(Path("jobs/studies/why.yaml")), seeds=tuple(range(SEEDS)), looks={SEEDS: 1})
    write_runs(study, tmp_path, images=40, kept=10, skill={"plain_skip": 3.0})
    return gather(collect(study, tmp_path), tmp_path / "why/report")


def top1(results: Path, variant: str) -> np.ndarray:
    texts = [(results / f"why/{variant}/seed-{seed}/summary.json").read_text() for seed in range(SEEDS)]
    return np.array([json.loads(text)["evaluations"]["intact"]["top1"] for text in texts])


def test_advantages_and_interactions_are_paired_by_seed(factorial: Material, tmp_path: Path) -> None:
    found = advantage.section(factorial)
    assert found is not None
    tidy = found.tables[0].tidy.set_index("condition")
    assert list(tidy.index) == ["plain", "kaiming", "norm", "long"]
    first = top1(tmp_path, "plain_skip") - top1(tmp_path, "plain")
    for condition in ("kaiming", "norm", "long"):
        gains = top1(tmp_path, f"{condition}_skip") - top1(tmp_path, condition)
        row = tidy.loc[condition]
        half = stats.t.ppf(0.975, SEEDS - 1) * stats.sem(gains)
        assert (row["estimate"], row["low"]) == pytest.approx((gains.mean(), gains.mean() - half))
        assert row["beyond_first_estimate"] == pytest.approx((gains - first).mean())
        assert row["beyond_first_p"] == pytest.approx(stats.ttest_1samp(gains - first, 0).pvalue)
    assert np.isnan(tidy.loc["plain", "beyond_first_estimate"])
    drawn = found.pictures[0].data
    assert list(drawn[drawn["condition"] == "plain"]["advantage"]) == pytest.approx(list(first))


def test_the_first_conditions_advantage_is_told_of_the_same_seeds(
    tmp_path: Path, write_runs: Callable[..., None]
) -> None:
    study = dataclasses.replace(load_study(Path("jobs/studies/why.yaml")), seeds=tuple(range(SEEDS)), looks={SEEDS: 1})
    fewer = {name: dataclasses.replace(study.variants[name], seeds=[2, 3]) for name in ("long", "long_skip")}
    study = dataclasses.replace(study, variants={**study.variants, **fewer})
    write_runs(study, tmp_path, images=40, kept=10, skill={"plain_skip": 3.0})
    found = advantage.section(gather(collect(study, tmp_path), tmp_path / "why/report"))
    assert found is not None
    tidy = found.tables[0].tidy.set_index("condition")
    first = top1(tmp_path, "plain_skip") - top1(tmp_path, "plain")
    assert tidy.loc["long", "first_estimate"] == pytest.approx(first[2:].mean())
    assert tidy.loc["norm", "first_estimate"] == pytest.approx(first.mean())
    assert first[2:].mean() != pytest.approx(first.mean())


def test_a_skips_difference_from_its_own_kind_is_in_the_table(factorial: Material, tmp_path: Path) -> None:
    table = differences(factorial.collection)
    assert list(table.display.columns)[:3] == [
        "figure",
        "plain_skip − plain (n = 4)",
        "kaiming_skip − kaiming (n = 4)",
    ]
    tidy = table.tidy.set_index(["variant", "less_variant", "metric"])
    row = tidy.loc[("norm_skip", "norm", "evaluations.intact.top1")]
    assert row["estimate"] == pytest.approx((top1(tmp_path, "norm_skip") - top1(tmp_path, "norm")).mean())
    assert not tidy.index.duplicated().any()
    assert {("norm_skip", "plain"), ("norm", "plain")} <= set(compared(factorial.collection))


def test_two_variants_are_no_factorial(material: Material, collection: Collection) -> None:
    assert pairs(collection) == []
    assert advantage.section(material) is None
    assert compared(collection) == [("skip", "baseline")]


def test_a_pointer_on_a_condition_reads_its_figures_where_they_are_drawn(factorial: Material, tmp_path: Path) -> None:
    drawn = advantage.section(factorial).pictures[0]  # type: ignore[union-attr]
    names = ("plain", "kaiming", "norm", "long", "plain_skip", "kaiming_skip", "norm_skip", "long_skip")
    levels, gains = drawn.spots[:8], drawn.spots[8:]
    means = [100 * top1(tmp_path, name).mean() for name in names]
    for spot, name, mean in zip(levels, names, means, strict=True):
        assert spot.text.startswith(f"{name}: {mean:.2f} [")
    advantages = [100 * (top1(tmp_path, f"{name}_skip") - top1(tmp_path, name)).mean() for name in names[:4]]
    for spot, name, gain in zip(gains, names[:4], advantages, strict=True):
        assert spot.text.startswith(f"{name}_skip less {name}: {gain:+.2f} [".replace("-", "−"))
    assert lie_on_a_linear_axis(levels, means, upright=True)
    assert lie_on_a_linear_axis(gains, advantages, upright=True)
