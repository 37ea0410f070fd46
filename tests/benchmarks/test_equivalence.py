"""bf16 against fp32: which runs are paired, and the test against SciPy's two one-sided ones."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from alexnet_study.study.study import load_study
from benchmarks import equivalence


def test_runs_are_paired_that_differ_in_precision_alone(
    study_file: Path, tmp_path: Path, write_runs: Callable[..., None]
) -> None:
    fp32 = load_study(study_file)
    for name, settings in {"a": {"precision": "fp32"}, "b": {"precision": "bf16"}, "c": {"epochs": 7}}.items():
        write_runs(dataclasses.replace(fp32, recipe={**fp32.recipe, **settings}), tmp_path / name)
    folders = [tmp_path / name / fp32.name for name in "abc"]
    found = equivalence.pairs(folders)
    assert {variant: len(own) for variant, own in found.items()} == dict.fromkeys(fp32.variants, len(fp32.seeds))
    for variant, own in found.items():
        for seed, difference in zip(fp32.seeds, own, strict=True):
            summaries = [json.loads((f / variant / f"seed-{seed}/summary.json").read_text()) for f in folders[:2]]
            ours, theirs = (100 * summary["evaluations"]["intact"]["top1"] for summary in summaries)
            assert difference == pytest.approx(theirs - ours)


@pytest.mark.parametrize(("mean", "said"), [(0.1, "equivalent"), (0.9, "inconclusive at n = 12")])
def test_the_verdict_is_that_of_two_t_tests(mean: float, said: str) -> None:
    x = np.random.default_rng(0).normal(size=12)
    x = mean + 0.6 * (x - x.mean())
    p = max(
        stats.ttest_1samp(x, -1.0, alternative="greater").pvalue, stats.ttest_1samp(x, 1.0, alternative="less").pvalue
    )
    line = equivalence.verdict(x)
    assert line.endswith(said)
    assert f"p = {p:.2g}," in line


def test_the_power_is_how_often_it_says_equivalent() -> None:
    rng, n, sd = np.random.default_rng(1), 40, 1.5
    said = [equivalence.verdict(rng.normal(0, sd, n)).endswith("equivalent") for _ in range(2000)]
    assert np.mean(said) == pytest.approx(equivalence.power(sd, n), abs=0.03)


def test_too_few_pairs_are_an_error_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["equivalence", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        equivalence.main()
    assert "0 pairs" in capsys.readouterr().err
