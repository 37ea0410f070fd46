"""What the arrays say, against what the arrays hold; and what is kept where they are gone."""

import json
from pathlib import Path

import numpy as np
import pytest

from alexnet_study.report import arrays
from alexnet_study.report.analysis import Analysis
from alexnet_study.report.arrays import BINS, find
from alexnet_study.report.collect import REFERENCE, Collection, collect
from alexnet_study.report.statistics.resampling import split_spread
from alexnet_study.study.study import Study


def rows(analysis: Analysis, topic: str) -> list[dict]:
    assert analysis.findings is not None
    return analysis.findings.numbers[topic]


def test_the_spread_is_split_from_the_logits(collection: Collection, analysis: Analysis) -> None:
    for row in rows(analysis, "spread"):
        predictions = [run.arrays("predictions") for run in collection.of(row["variant"])]
        right = np.array([p[row["evaluation"]].argmax(1) == p["labels"] for p in predictions])
        spread = split_spread(right.sum(0), len(right), right.mean(1))
        assert spread is not None
        assert (row["total"], row["images"], row["seeds"]) == pytest.approx((spread.total, spread.images, spread.seeds))


def test_calibration_bins_hold_every_image_once(collection: Collection, analysis: Analysis) -> None:
    found = [row for row in rows(analysis, "calibration") if row["evaluation"] == "lesioned"]
    assert len(found) == BINS
    assert sum(row["share"] for row in found) == pytest.approx(1)
    top1 = np.mean(list(collection.figures("skip", "evaluations.intact.top1", "lesioned").values()))
    assert sum(row["share"] * (row["accuracy"] or 0) for row in found) == pytest.approx(top1)
    for row in found:
        assert row["confidence"] is None or (row["bin"] - 1) / BINS < row["confidence"] <= row["bin"] / BINS


def test_the_bootstrap_surrounds_the_difference(collection: Collection, analysis: Analysis) -> None:
    top1 = {
        group: np.mean(list(collection.figures(group[0], "evaluations.intact.top1", group[1]).values()))
        for group in collection.evaluations
    }
    found = rows(analysis, "bootstrap")
    assert [(row["variant"], row["evaluation"]) for row in found] == [("skip", "intact"), ("skip", "lesioned")]
    for row in found:
        difference = top1[row["variant"], row["evaluation"]] - top1[row["less_variant"], row["less_evaluation"]]
        assert row["low"] < difference < row["high"]


def test_alignment_and_procrustes_have_a_row_a_pair_and_a_group(analysis: Analysis) -> None:
    assert len(rows(analysis, "alignment")) == 6  # three groups, each with itself and those before
    assert len(rows(analysis, "procrustes")) == len(analysis.collection.evaluations)
    assert all(0 <= row["residual"] <= 1 and row["n"] == 6 for row in rows(analysis, "procrustes"))
    (test,) = rows(analysis, "alignment_tests")
    assert 1 / 2**5 <= test["p"] <= 1


def test_points_are_of_the_lowest_seed(analysis: Analysis) -> None:
    assert analysis.findings is not None
    assert [point["seed"] for point in analysis.findings.points] == [0, 0, 0]
    assert analysis.findings.points[0]["residual"] == pytest.approx(0, abs=1e-9)


def test_without_arrays_the_kept_findings_serve_if_they_are_of_these_runs(
    study: Study, copy: Path, analysis: Analysis
) -> None:
    assert analysis.findings is not None
    kept = copy / "skip/report" / arrays.FILE
    kept.parent.mkdir()
    kept.write_text(json.dumps(analysis.findings.as_json()))
    (copy / "skip" / REFERENCE).write_text("{}")
    for path in copy.glob("skip/*/seed-*/*.npz"):
        path.unlink()
    collection = collect(study, copy)
    assert len(collection.runs) == 12
    found = find(collection, kept.parent)
    assert found is not None
    assert (found.kept, found.numbers, found.points) == (True, analysis.findings.numbers, analysis.findings.points)
    kept.write_text(json.dumps({**analysis.findings.as_json(), "runs": ["other"]}))
    assert find(collection, kept.parent) is None
    kept.write_text("[]")
    assert find(collection, kept.parent) is None
