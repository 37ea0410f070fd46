"""Metrics against scikit-learn and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from alexnet_study.evaluation.evaluation import extract, predict
from alexnet_study.evaluation.metrics import confusion_matrix, evaluate, expected_calibration_error, top_k
from alexnet_study.models import build_model
from alexnet_study.runs.records import Spectrum
from alexnet_study.study.configs import ModelConfig


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(2, 6), st.integers(0, 10**6))
def test_metrics_agree_with_scikit_learn(n: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, classes)).astype(np.float32), rng.integers(0, classes, n)
    pca = Spectrum(explained_variance_ratio=(1.0,), participation_ratio=1.0)
    ours = evaluate(torch.from_numpy(logits), torch.from_numpy(labels), pca=pca)
    predicted, every = logits.argmax(1), list(range(classes))
    probabilities = torch.from_numpy(logits).double().softmax(1).numpy()
    confusion = np.array(ours.confusion)
    assert (confusion == oracle.confusion_matrix(labels, predicted, labels=every)).all()
    assert (confusion.sum(1) == np.bincount(labels, minlength=classes)).all()
    assert confusion.trace() / n == pytest.approx(ours.top1) == pytest.approx(oracle.accuracy_score(labels, predicted))
    assert ours.top3 >= ours.top1
    assert ours.loss == pytest.approx(oracle.log_loss(labels, probabilities, labels=every))
    for name, score in (("recall", oracle.recall_score), ("precision", oracle.precision_score)):
        expected = score(labels, predicted, labels=every, average=None, zero_division=np.nan)
        np.testing.assert_allclose(np.array(getattr(ours, name), dtype=float), expected)
    if classes > 3:
        assert ours.top3 == pytest.approx(oracle.top_k_accuracy_score(labels, probabilities, k=3, labels=every))


def test_top_k_uses_no_more_classes_than_there_are() -> None:
    assert top_k(torch.tensor([[0.1, 0.9]]), torch.tensor([0]), 3) == 1.0


def test_calibration_error_of_known_bins() -> None:
    confidence = torch.tensor([0.95, 0.95, 0.95, 0.95, 0.62], dtype=torch.float64)
    logits = torch.stack([confidence, 1 - confidence], 1).log()
    labels = torch.tensor([0, 0, 0, 1, 1])
    expected = 4 / 5 * abs(0.75 - 0.95) + 1 / 5 * abs(0 - 0.62)
    assert expected_calibration_error(logits, labels) == pytest.approx(expected)


def test_confusion_rows_are_true_classes() -> None:
    logits = torch.tensor([[0.0, 1, 0], [0, 1, 0], [1, 0, 0]])
    assert confusion_matrix(logits, torch.tensor([0, 1, 0])).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_extracted_logits_and_features_are_the_models_own() -> None:
    model = build_model(ModelConfig(skips=("conv2",)), 5, seed=0)
    images = torch.randint(0, 256, (7, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for lesioned in (False, True):
        outputs = extract(model, images)["lesioned" if lesioned else "intact"]
        torch.testing.assert_close(outputs.logits, predict(model, images, lesioned=lesioned))
        torch.testing.assert_close(model.classify(outputs.features), outputs.logits)
        assert set(outputs.stages) == {f"conv{k}" for k in range(1, 6)} | (set() if lesioned else {"conv2.branch"})
        assert all(rows.shape == (7, 1024) for rows in outputs.stages.values())
