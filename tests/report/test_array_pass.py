"""What the arrays say, against what the arrays hold; and what is kept where they are gone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alexnet_study.report.collection import REFERENCE, Collection, collect
from alexnet_study.report.findings import FILE
from alexnet_study.report.material import Material, gather
from alexnet_study.report.statistics.resampling import split_spread
from alexnet_study.runs.records import CALIBRATION_BINS
from alexnet_study.study.study import Study


def rows(material: Material, topic: str) -> tuple[Any, ...]:
    assert material.findings is not None
    return getattr(material.findings.numbers, topic)  # type: ignore[no-any-return]


def test_the_spread_is_split_from_the_logits(collection: Collection, material: Material) -> None:
    for row in rows(material, "spread"):
        predictions = [run.predictions() for run in collection.of(row.variant)]
        right = np.array([p[row.evaluation].argmax(1) == p["labels"] for p in predictions])
        spread = split_spread(right.sum(0), len(right), right.mean(1))
        assert spread is not None
        assert (row.total, row.images, row.seeds) == pytest.approx((spread.total, spread.images, spread.seeds))


def test_calibration_bins_hold_every_image_once(collection: Collection, material: Material) -> None:
    found = [row for row in rows(material, "calibration") if row.evaluation == "lesioned"]
    assert len(found) == CALIBRATION_BINS
    assert sum(row.share for row in found) == pytest.approx(1)
    top1 = np.mean(list(collection.values.of("skip", "evaluations.intact.top1", "lesioned").values()))
    assert sum(row.share * (row.accuracy or 0) for row in found) == pytest.approx(top1)
    for row in found:
        assert row.confidence is None or (row.bin - 1) / CALIBRATION_BINS < row.confidence <= row.bin / CALIBRATION_BINS


def test_the_bootstrap_surrounds_the_difference(collection: Collection, material: Material) -> None:
    top1 = {
        group: np.mean(list(collection.values.of(group[0], "evaluations.intact.top1", group[1]).values()))
        for group in collection.evaluations
    }
    found = rows(material, "bootstrap")
    assert [(row.variant, row.evaluation) for row in found] == [("skip", "intact"), ("skip", "lesioned")]
    for row in found:
        difference = top1[row.variant, row.evaluation] - top1[row.less_variant, row.less_evaluation]
        assert row.low < difference < row.high


def test_alignment_and_procrustes_have_a_row_a_pair_and_a_group(material: Material) -> None:
    assert len(rows(material, "alignment")) == 6  # three groups, each with itself and those before
    assert len(rows(material, "procrustes")) == len(material.collection.evaluations)
    assert all(0 <= row.residual <= 1 and row.n == 6 for row in rows(material, "procrustes"))
    (test,) = rows(material, "alignment_tests")
    assert 1 / 2**5 <= test.p <= 1


def test_points_are_of_the_lowest_seed(material: Material) -> None:
    assert material.findings is not None
    assert [point.seed for point in material.findings.points] == [0, 0, 0]
    assert material.findings.points[0].residual == pytest.approx(0, abs=1e-9)


def test_without_arrays_the_kept_findings_serve_if_they_are_of_these_runs(
    study: Study, copy: Path, material: Material
) -> None:
    assert material.findings is not None
    kept = copy / "skip/report" / FILE
    kept.parent.mkdir()
    kept.write_text(json.dumps(material.findings.as_json()))
    (copy / "skip" / REFERENCE).write_text("{}")
    for path in copy.glob("skip/*/seed-*/*.npz"):
        path.unlink()
    collection = collect(study, copy)
    assert len(collection.runs) == 12
    found = gather(collection, kept.parent).findings
    assert found is not None
    assert found == material.findings
    kept.write_text(json.dumps({**material.findings.as_json(), "runs": ["other"]}))
    assert gather(collection, kept.parent).findings is None
    kept.write_text("[]")
    assert gather(collection, kept.parent).findings is None
