"""Two studies side by side: verdicts, and figures paired by seed, against scipy."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alexnet_study.report.collection import collect
from alexnet_study.report.writing import write_report
from alexnet_study.study.study import Study

OTHER = "skip_jpeg"
SEEDS = (1, 2, 3, 4, 9)  # of the other study; the first has 0 to 5


@pytest.fixture(scope="module")
def both(study: Study, made: Path, tmp_path_factory: pytest.TempPathFactory, write_runs: Callable[..., None]) -> Path:
    """The results folder of two studies, the other's claims judged at its five seeds."""
    results = tmp_path_factory.mktemp("both")
    write_runs(study, results, skill={"baseline": 1.0, "skip": 2.0})
    turned = dict(reversed(study.variants.items()))  # for other random numbers
    other = dataclasses.replace(study, name=OTHER, beside="", seeds=SEEDS, looks={5: 1.0}, variants=turned)
    write_runs(other, results, skill={"baseline": 1.0, "skip": 1.0})
    write_report(collect(other, results), results)
    write_report(collect(study, results), results)
    return results


def summaries(results: Path, name: str, variant: str) -> dict[int, dict[str, object]]:
    paths = (results / name / variant).glob("seed-*/summary.json")
    return {int(path.parent.name.removeprefix("seed-")): json.loads(path.read_text()) for path in paths}


def paired(results: Path, weights: dict[str, int], read: Callable[[dict[str, object]], float]) -> list[np.ndarray]:
    """Return the weighted sums of the seeds that both studies have, of each study."""
    found = [{variant: summaries(results, name, variant) for variant in weights} for name in ("skip", OTHER)]
    return [np.array([sum(w * read(own[v][seed]) for v, w in weights.items()) for seed in SEEDS[:4]]) for own in found]


@pytest.mark.parametrize(("of", "weights"), [("skip", {"skip": 1}), ("skip − baseline", {"skip": 1, "baseline": -1})])
@pytest.mark.parametrize(
    ("metric", "read"),
    [
        ("evaluations.intact.top1", lambda found: found["evaluations"]["intact"]["top1"]),
        ("evaluations.intact.loss", lambda found: found["evaluations"]["intact"]["loss"]),
        ("gap.proper", lambda found: found["gap"]["proper"]),
        (
            "evaluations.intact.recall.bird",
            lambda found: found["evaluations"]["intact"]["recall"][found["classes"].index("bird")],
        ),
    ],
)
def test_a_figure_moves_as_scipys_paired_t_says(
    both: Path, of: str, weights: dict[str, int], metric: str, read: Callable[[dict[str, object]], float]
) -> None:
    report = json.loads((both / "skip/report/report.json").read_text())
    rows = pd.DataFrame(report["tables"]["beside_figures"]).to_dict("records")
    (row,) = [row for row in rows if (row["of"], row["evaluation"], row["metric"]) == (of, "intact", metric)]
    here, there = paired(both, weights, read)
    oracle = stats.ttest_rel(here, there)
    interval = oracle.confidence_interval(0.95)
    assert row["n"] == 4
    assert row["estimate"] == pytest.approx((here - there).mean())
    assert [row["low"], row["high"], row["p"]] == pytest.approx([interval.low, interval.high, oracle.pvalue])


def test_both_verdicts_stand_side_by_side(both: Path) -> None:
    report = json.loads((both / "skip/report/report.json").read_text())
    other = json.loads((both / OTHER / "report/report.json").read_text())
    rows = pd.DataFrame(report["tables"]["beside_claims"]).to_dict("records")
    for name, claims in (("skip", report["claims"]), (OTHER, other["claims"])):
        shown = {row["claim"]: (row["verdict"], row["n"]) for row in rows if row["study"] == name}
        assert shown == {claim["id"]: (claim["verdict"], claim["n"]) for claim in claims}
    verdicts = {row["study"]: row["outcome"] for row in rows if row["claim"] == "1"}
    text = (both / "skip/report/report.md").read_text()
    assert (f"1 accuracy ({verdicts['skip']} here, {verdicts[OTHER]} there)" in text) == (
        len(set(verdicts.values())) > 1
    )
    assert "## Beside study skip_jpeg" in text


def test_a_study_that_was_not_run_is_said_to_be_absent(study: Study, copy: Path) -> None:
    page = write_report(collect(study, copy), copy)
    assert "No finished run of study skip_jpeg lies beside these." in (page.parent / "report.md").read_text()
    assert "beside_figures" not in json.loads((page.parent / "report.json").read_text())["tables"]


def test_a_study_that_names_no_other_has_no_such_section(study: Study, copy: Path) -> None:
    page = write_report(collect(dataclasses.replace(study, beside=""), copy), copy)
    assert "Beside study" not in (page.parent / "report.md").read_text()


def test_a_variant_of_another_recipe_is_left_out(study: Study, copy: Path, write_runs: Callable[..., None]) -> None:
    longer = dataclasses.replace(study, name=OTHER, beside="", recipe={**study.recipe, "learning_rate": 0.02})
    write_runs(longer, copy)
    text = (write_report(collect(study, copy), copy).parent / "report.md").read_text()
    assert "Left out: baseline (another model or recipe there); skip (another model or recipe there)." in text
