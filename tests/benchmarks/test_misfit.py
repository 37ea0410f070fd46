"""The page about the misfit: its numbers, and that they are written between its marks alone."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import recall_score

from alexnet_study.study.study import load_study
from benchmarks.misfit import BEGIN, END, main, recalls, recalls_by_batch


def test_recalls_by_image_and_by_batch() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 600)
    logits = rng.normal(size=(600, 10)).astype(np.float32)
    np.testing.assert_allclose(recalls(logits, labels), recall_score(labels, logits.argmax(1), average=None))
    order = rng.permutation(600)
    parts = [order[:256], order[256:512], order[512:]]
    expected = [recall_score(labels[part], logits[part].argmax(1), average=None) for part in parts]
    np.testing.assert_allclose(recalls_by_batch(logits, labels, order), np.mean(expected, axis=0))


def test_the_numbers_are_written_between_the_marks(
    tmp_path: Path, write_runs: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = dataclasses.replace(load_study(Path("jobs/studies/skip.yaml")), seeds=(0, 1, 2, 3))
    write_runs(study, tmp_path, images=400)
    page = tmp_path / "misfit.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    monkeypatch.setattr(sys, "argv", ["misfit", "--results", str(tmp_path), "--page", str(page)])
    main()
    once = page.read_text()
    main()
    assert page.read_text() == once
    assert once.startswith(f"before\n{BEGIN}\nn = 4 runs of `skip`")
    assert once.endswith(f"{END}\nafter\n")
    assert "lesioned, the ten jointly" in once
    assert "of skip_jpeg" in once
    assert "old" not in once
