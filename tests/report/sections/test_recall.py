"""The recall table says which p is of the gain and which of what exceeds the mean gain."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alexnet_study.report.collection import Collection
from alexnet_study.report.rendering.text import p_text
from alexnet_study.report.sections.recall import tabulate


def recalls(results: Path, variant: str) -> NDArray[np.float64]:
    paths = sorted((results / "skip" / variant).glob("seed-*/summary.json"))
    return np.array([json.loads(path.read_text())["evaluations"]["intact"]["recall"] for path in paths])


def max_t_p(differences: NDArray[np.float64]) -> list[float]:
    """Return p of each column over all 2ⁿ flips of rows, by the largest |t| of all columns."""

    def t(samples: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.abs(samples.mean(0)) / (samples.std(0, ddof=1) / np.sqrt(len(samples)))

    observed = t(differences)
    signs = itertools.product((1, -1), repeat=len(differences))
    largest = np.array([t(differences * np.array(flip)[:, None]).max() for flip in signs])
    return [float((largest >= own - 1e-9).mean()) for own in observed]


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_both_p_are_those_of_all_sign_flips(collection: Collection, made: Path) -> None:
    differences = recalls(made, "skip") - recalls(made, "baseline")
    shown = tabulate(collection).display
    for column, samples in (
        ("gain, skip − baseline (n = 6)", differences),
        ("beyond the mean gain, skip − baseline (n = 6)", differences - differences.mean(1, keepdims=True)),
    ):
        expected = [
            f"{100 * mean:+.2f}".replace("-", "−") + f", p {p_text(p)}"
            for mean, p in zip(samples.mean(0), max_t_p(samples), strict=True)
        ]
        assert shown[column].tolist() == expected
