"""Accuracy against confidence, from the runs' logits."""

from pathlib import Path

import numpy as np
import pytest
from scipy import special

from alexnet_study.report.material import Material
from alexnet_study.report.sections import calibration
from tests.pointer import lie_on_a_linear_axis


def test_a_pointer_on_a_bin_reads_it_where_it_is_drawn(material: Material, made: Path) -> None:
    spots = [
        spot
        for spot in calibration.section(material).pictures[0].spots
        if spot.text.startswith("skip, lesioned: confidence ")
    ]
    arrays = [dict(np.load(path)) for path in sorted(made.glob("skip/skip/seed-*/predictions.npz"))]
    shares = np.concatenate([special.softmax(own["lesioned"].astype(float), axis=1) for own in arrays])
    labels = np.concatenate([own["labels"] for own in arrays])
    confidence, right = shares.max(1), shares.argmax(1) == labels
    bins = np.clip(np.ceil(15 * confidence).astype(int), 1, 15)
    drawn = [number for number in range(1, 16) if (bins == number).mean() >= 0.001]
    expected = [(100 * confidence[bins == own].mean(), 100 * right[bins == own].mean()) for own in drawn]
    assert len(spots) == len(expected) > 5
    for spot, (x, y) in zip(spots, expected, strict=True):
        told = [float(word.removesuffix(",")) for word in spot.text.split() if word[0].isdigit()]
        assert told == pytest.approx([x, y], abs=0.06)
    assert lie_on_a_linear_axis(spots, [x for x, _ in expected])
    assert lie_on_a_linear_axis(spots, [y for _, y in expected], upright=True)
