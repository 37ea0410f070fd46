"""Averages of weights against PyTorch's, and against the paper's algorithm."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from alexnet_study.data.dataset import Dataset
from alexnet_study.evaluation.evaluation import predict
from alexnet_study.models import AlexNet
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.training.averaging import average_for
from alexnet_study.training.state import TrainingState
from tests.conftest import execute


def state_of(run: RunConfig, average: str, **model: object) -> TrainingState:
    recipe = dataclasses.replace(run.recipe, average=average, average_decay=0.8)
    structure = dataclasses.replace(run.model, **model)  # type: ignore[arg-type]
    return TrainingState(dataclasses.replace(run, recipe=recipe, model=structure), 4, torch.device("cpu"))


def change(model: AlexNet, step: int) -> None:
    """Stands for a step's update."""
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.randn(tensor.shape, generator=generator))


def test_the_moving_average_is_pytorchs(run: RunConfig) -> None:
    state = state_of(run, "ema", norm="batch")
    assert state.average is not None
    oracle = AveragedModel(state.model, multi_avg_fn=get_ema_multi_avg_fn(0.8), use_buffers=True)
    oracle.update_parameters(state.model)  # the first call copies
    for step in range(6):
        change(state.model, step)
        state.average.follow()
        oracle.update_parameters(state.model)
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    expected = {n: t for n, t in oracle.module.state_dict().items() if t.is_floating_point()}
    with state.evaluated():
        shown = state.model.state_dict()
        for name, tensor in expected.items():
            torch.testing.assert_close(shown[name], tensor)
    assert all(torch.equal(tensor, before[name]) for name, tensor in state.model.state_dict().items())


def test_lookahead_is_the_papers_algorithm(run: RunConfig) -> None:
    """Algorithm 1 of Zhang et al., with k = 5 and α = 0.5, on one weight whose every step adds a number."""
    state = state_of(run, "lookahead")
    assert state.average is not None
    weight = state.model.convolutions["conv3"].weight
    slow = fast = weight.detach().clone()
    for step in range(12):
        change(state.model, step)
        added = torch.zeros_like(weight)
        twin = {name: torch.zeros_like(tensor) for name, tensor in state.model.state_dict().items()}
        generator = torch.Generator().manual_seed(step)
        for name, tensor in twin.items():
            drawn = torch.randn(tensor.shape, generator=generator)
            added = drawn if name == "convolutions.conv3.weight" else added
        fast = fast + added
        if step % 5 == 4:
            slow = slow + 0.5 * (fast - slow)
            fast = slow
        state.average.set_up(step)
        state.average.follow()
        torch.testing.assert_close(weight.detach(), fast, atol=1e-5, rtol=1e-5)
        with state.evaluated():
            torch.testing.assert_close(weight.detach(), slow, atol=1e-5, rtol=1e-5)


def test_without_an_average_the_weights_are_evaluated(run: RunConfig) -> None:
    state = state_of(run, "none")
    assert state.average is None
    assert average_for(state.model, state.recipe) is None
    with state.evaluated():
        assert state.momenta == state.optimizer.momenta


@pytest.mark.parametrize("average", ["ema", "lookahead"])
def test_a_run_is_evaluated_with_its_averages(run: RunConfig, data: Dataset, tmp_path: Path, average: str) -> None:
    """The first epoch is evaluated as an average over it; the weights train on from where they were."""
    recipe = dataclasses.replace(run.recipe, average=average, average_decay=0.999999, epochs=1)
    own = dataclasses.replace(run, recipe=recipe)
    execute(own, data, tmp_path)
    last = RunFolder.of(tmp_path, own).read_metrics()[-1]
    untrained = TrainingState(own, 4, torch.device("cpu"))  # what such an average still is; lookahead pulls at step 5
    logits = predict(untrained.model, data.test.images).double()
    expected = torch.nn.functional.cross_entropy(logits, data.test.labels).item()
    assert last.test_loss == pytest.approx(expected, rel=1e-4)
