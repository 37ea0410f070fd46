"""What the arrays say, against what the arrays hold; and what is kept where they are gone."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from alexnet_study.report.array_pass import read_arrays
from alexnet_study.report.collection import REFERENCE, Collection, collect
from alexnet_study.report.findings import FILE, read
from alexnet_study.report.material import Material, gather
from alexnet_study.report.sections.contents import build_sections, drawing_fonts
from alexnet_study.report.statistics.resampling import split_spread
from alexnet_study.runs.folder import RunFolder
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


def right(collection: Collection, variant: str, evaluation: str, seeds: list[int]) -> np.ndarray[Any, Any]:
    predictions = {run.seed: run.predictions() for run in collection.of(variant)}
    return np.array([predictions[s][evaluation].argmax(1) == predictions[s]["labels"] for s in seeds]).astype(float)


def test_a_difference_over_seeds_and_images_is_of_the_pairs_common_seeds(study: Study, copy: Path) -> None:
    """An estimate never leaves its interval: both are of the seeds that the two have."""
    shutil.rmtree(copy / "skip/baseline/seed-0")
    collection = collect(study, copy)
    found = {(row.variant, row.evaluation): row for row in read_arrays(collection).numbers.crossed}
    assert list(found) == [("skip", "intact"), ("skip", "lesioned")]
    skip, lesioned = found["skip", "intact"], found["skip", "lesioned"]
    table = right(collection, "skip", "intact", [1, 2, 3, 4, 5]) - right(
        collection, "baseline", "intact", [1, 2, 3, 4, 5]
    )
    assert (skip.n, lesioned.n, skip.images_n) == (5, 6, collection.test_images)
    assert skip.value == pytest.approx(table.mean())
    assert skip.seeds == pytest.approx(table.mean(1).var(ddof=1) / 5)
    for row in (skip, lesioned):
        assert row.low < row.value < row.high


def test_churn_is_over_pairs_of_different_seeds(collection: Collection, material: Material) -> None:
    found = {(r.variant, r.evaluation, r.other_variant): r for r in rows(material, "churn")}
    assert len(found) == 5  # three groups, and the later two with the first
    bits = right(collection, "skip", "intact", list(range(6)))
    pairs = [(i, j) for i in range(6) for j in range(i)]
    own = found["skip", "intact", "skip"]
    assert own.disagreement == pytest.approx(np.mean([(bits[i] != bits[j]).mean() for i, j in pairs]))
    kappas = [cohen_kappa_score(bits[i], bits[j]) for i, j in pairs]
    assert own.kappa == pytest.approx(np.mean(kappas))
    assert own.disagreement_low < own.disagreement < own.disagreement_high
    other = right(collection, "baseline", "intact", list(range(6)))
    across = [(bits[i] != other[j]).mean() for i in range(6) for j in range(6) if i != j]
    assert found["skip", "intact", "baseline"].disagreement == pytest.approx(np.mean(across))


def test_findings_that_are_older_than_churn_are_read(material: Material, tmp_path: Path) -> None:
    assert material.findings is not None
    content = json.loads(json.dumps(material.findings.as_json()))
    for younger in ("crossed", "churn"):
        del content["numbers"][younger]
    content["numbers"]["bootstrap"] = [{"variant": "skip"}]
    (tmp_path / FILE).write_text(json.dumps(content))
    found = read(tmp_path / FILE, material.findings.runs)
    assert found is not None
    assert found.numbers.churn == found.numbers.crossed == ()
    assert found.numbers.spread == material.findings.numbers.spread


def test_alignment_and_procrustes_have_a_row_a_pair_and_a_group(material: Material) -> None:
    assert len(rows(material, "alignment")) == 6  # three groups, each with itself and those before
    assert len(rows(material, "procrustes")) == len(material.collection.evaluations)
    assert all(0 <= row.residual <= 1 and row.n == 6 for row in rows(material, "procrustes"))
    (test,) = rows(material, "alignment_tests")
    assert 1 / 2**5 <= test.p <= 1


def test_without_features_what_predictions_say_is_said(study: Study, copy: Path, material: Material) -> None:
    for path in copy.glob("skip/*/seed-*/features.npz"):
        path.unlink()
        folder = RunFolder(path.parent)
        summary = folder.read_summary(arrays=False)
        assert summary is not None
        with folder.held(job="1", restart=0):
            folder.write_summary(summary)
    collection = collect(dataclasses.replace(study, keep=("predictions",)), copy)
    found = gather(collection, copy / "skip/report")
    for topic in ("spread", "calibration", "crossed", "churn"):
        assert rows(found, topic) == rows(material, topic)
    for topic in ("alignment", "alignment_tests", "procrustes"):
        assert rows(found, topic) == ()
    names = {section.name for section in build_sections(found, drawing_fonts(collection))}
    assert {"calibration", "spread"} <= names
    assert "features" not in names


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
