"""The whitening first layer against numpy: its outputs are uncorrelated, with the variance that ε leaves."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet_study.data.dataset import Dataset, normalise
from alexnet_study.study.configs import RunConfig
from alexnet_study.training import run as running
from alexnet_study.training.state import TrainingState
from alexnet_study.training.whitening import EPSILON, whitening_filters
from tests.conftest import execute


@pytest.mark.parametrize(("side", "count"), [(3, 54), (3, 12), (1, 6), (5, 20)])
def test_the_filters_whiten_patches(data: Dataset, side: int, count: int) -> None:
    images = data.train.images
    filters = whitening_filters(images, side=side, count=count).numpy().reshape(count, -1)
    pixels = normalise(images, torch.float64).contiguous().numpy()
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(2, 3))
    patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 3 * side**2)
    variance = np.sort(np.linalg.eigvalsh(patches.T @ patches / len(patches)))[::-1][: count // 2]
    outputs = patches @ filters.T
    moments = outputs.T @ outputs / len(patches)
    half = np.diag(variance / (variance + EPSILON))
    np.testing.assert_allclose(moments, np.block([[half, -half], [-half, half]]), atol=1e-8)


def test_a_run_keeps_the_first_layers_weights_and_trains_its_bias(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = dataclasses.replace(run, model=dataclasses.replace(run.model, initialisation="whitening"))
    states: list[TrainingState] = []
    made = running._state

    def kept(*arguments: object) -> TrainingState:
        states.append(made(*arguments))  # type: ignore[arg-type]
        return states[0]

    monkeypatch.setattr(running, "_state", kept)
    execute(own, data, tmp_path)
    conv = states[0].model.convolutions["conv1"]
    expected = whitening_filters(data.train.images, side=3, count=4, normalisation=data.normalisation)
    torch.testing.assert_close(conv.weight.detach(), expected.float())
    untrained = TrainingState(own, 4, torch.device("cpu")).model.convolutions["conv1"]
    assert not torch.equal(conv.bias, untrained.bias)
