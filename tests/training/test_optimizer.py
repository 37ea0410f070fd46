"""The product's SGD against PyTorch's, bit for bit."""

import dataclasses
import subprocess
import sys

import pytest
import torch

from alexnet_study.study.configs import RunConfig
from alexnet_study.training.optimizer import MomentumSGD


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_its_steps_are_those_of_pytorchs_fused_sgd(run: RunConfig, momentum: float, nesterov: bool) -> None:
    recipe = dataclasses.replace(run.recipe, momentum=momentum, weight_decay=0.05, nesterov=nesterov)
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 3, 5, 5), (17,), (3, 1000)]
    ours = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    ours[0].data = ours[0].data.to(memory_format=torch.channels_last)
    theirs = [torch.nn.Parameter(parameter.detach().clone()) for parameter in ours]
    optimizer = MomentumSGD(ours, recipe)
    rate = recipe.learning_rate
    oracle = torch.optim.SGD(theirs, lr=rate, momentum=momentum, weight_decay=0.05, nesterov=nesterov, fused=True)
    for step in range(4):
        rate = recipe.learning_rate / (1 + step)
        optimizer.set_learning_rate(rate)
        oracle.param_groups[0]["lr"] = rate
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=generator).contiguous(memory_format=_layout(mine))
            other.grad = mine.grad.clone()
        optimizer.step()
        oracle.step()
        assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))
    optimizer.clear_gradients()
    assert all(parameter.grad is None for parameter in ours)


def _layout(tensor: torch.Tensor) -> torch.memory_format:
    return torch.channels_last if tensor.dim() == 4 else torch.contiguous_format


def test_training_starts_without_pytorchs_compiler() -> None:
    program = """
import sys, torch
from pathlib import Path
from alexnet_study.study.study import load_study
from alexnet_study.training.determinism import prepare
from alexnet_study.training.state import TrainingState
from alexnet_study.training.step import train_step
run = load_study(Path("jobs/studies/skip.yaml")).run("skip", 0, ["recipe.precision=bf16"])
prepare(run.recipe, torch.device("cpu"))
state = TrainingState(run, 10, torch.device("cpu"))
images = torch.zeros(8, 3, 32, 32, dtype=torch.uint8)
train_step(state.model, state.optimizer, images, torch.arange(8), run.recipe)
assert torch.are_deterministic_algorithms_enabled()
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
