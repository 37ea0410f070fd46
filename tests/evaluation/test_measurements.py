"""What is measured of a model is what the study asks for, and what is left out changes nothing else."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet_study.data.dataset import Dataset, normalise
from alexnet_study.evaluation.evaluation import Measurements
from alexnet_study.models import AlexNet, build_model
from alexnet_study.report.collection import collect
from alexnet_study.report.writing import write_report
from alexnet_study.study.configs import MEASURED, RunConfig
from alexnet_study.study.identity import identity
from alexnet_study.study.study import load_study
from tests.conftest import STUDY, execute


@pytest.fixture
def model(run: RunConfig) -> AlexNet:
    return build_model(run.model, 4, seed=1).eval()


def test_mirrored_logits_are_the_mean_over_an_image_and_its_mirror_image(model: AlexNet, data: Dataset) -> None:
    found = Measurements(model, data, seed=0, measure=("metrics", "mirrored"))
    images = normalise(data.test.images)
    with torch.no_grad():
        expected = torch.stack([model(images), model(images.flip(3))]).mean(0)
    np.testing.assert_allclose(found.predictions["mirrored"], expected.numpy(), rtol=1e-5, atol=1e-6)
    hits = (expected.argmax(1) == data.test.labels).double().mean().item()
    assert found.evaluations["mirrored"].top1 == pytest.approx(hits)
    assert list(found.evaluations) == ["intact", "lesioned", "mirrored"]


def test_what_is_left_out_changes_nothing_of_what_is_there(model: AlexNet, data: Dataset) -> None:
    whole = Measurements(model, data, seed=0)
    for measure in (("metrics",), ("metrics", "pca"), ("metrics", "regressors", "mirrored")):
        part = Measurements(model, data, seed=0, measure=measure)
        for name, own in whole.evaluations.items():
            assert part.evaluations[name] == (own if "pca" in measure else dataclasses.replace(own, pca=None))
        assert part.regressors == (whole.regressors if "regressors" in measure else {})
        assert part.train_loss == pytest.approx(whole.train_loss)
        assert all(np.array_equal(part.features[name], whole.features[name]) for name in part.features)


def test_the_identity_does_not_depend_on_what_is_measured(run: RunConfig) -> None:
    assert run.measure == MEASURED
    other = dataclasses.replace(run, measure=("metrics",))
    assert identity(other, "data") == identity(run, "data")


def test_a_study_of_metrics_alone_is_reported_with_the_mirrored_evaluation(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(STUDY + "measure: [metrics, mirrored]\n")
    study = load_study(tmp_path / "tiny.yaml")
    for run in study.runs():
        summary = execute(run, data, tmp_path)
        assert summary.linear_regressor == {}
    write_report(collect(study, tmp_path), tmp_path)
    text = (tmp_path / "tiny/report/report.md").read_text()
    assert "skip, mirrored" in text
    assert "averaged with those of the mirrored image" in text
    assert "Separability" not in text
    assert "Centred kernel alignment" in text
