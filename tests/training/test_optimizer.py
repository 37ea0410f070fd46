"""The optimisers against PyTorch's: SGD and AdamW bit for bit."""

import dataclasses
import subprocess
import sys

import pytest
import torch

from alexnet_study.models import build_model
from alexnet_study.study.configs import DecayFactors, RunConfig
from alexnet_study.training.muon import Muon, as_matrix, orthogonal
from alexnet_study.training.optimizer import AdamW, MomentumSGD
from alexnet_study.training.parameter_kinds import optimizer_for


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


PARAMETERS = [(8, 3, 5, 5), (17,), (12, 30), (30, 12)]


def pair_of(shapes: list[tuple[int, ...]]) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """Parameters and their twins."""
    generator = torch.Generator().manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    for parameter in ours:
        parameter.data = parameter.data.contiguous(memory_format=_layout(parameter))
    return ours, [torch.nn.Parameter(parameter.detach().clone()) for parameter in ours]


def test_adamw_is_pytorchs_fused_one(run: RunConfig) -> None:
    recipe = dataclasses.replace(run.recipe, optimizer="adamw", momentum=0.8, weight_decay=0.05)
    ours, theirs = pair_of(PARAMETERS)
    optimizer = AdamW(ours, recipe, [0.05, 0.0, 0.05, 0.05])
    groups = [{"params": [theirs[0], *theirs[2:]]}, {"params": [theirs[1]], "weight_decay": 0.0}]
    oracle = torch.optim.AdamW(groups, lr=1.0, betas=(0.8, 0.999), weight_decay=0.05, fused=True)
    for step in range(4):
        rate = 0.01 / (1 + step)
        optimizer.set_learning_rate(rate)
        for group in oracle.param_groups:
            group["lr"] = rate
        give_gradients(ours, theirs, step)
        optimizer.step()
        oracle.step()
        assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("nesterov", [False, True])
def test_muon_is_pytorchs_on_matrices_and_adamw_on_what_is_left(run: RunConfig, nesterov: bool) -> None:
    recipe = dataclasses.replace(run.recipe, optimizer="muon", nesterov=nesterov, weight_decay=0.05)
    ours, _ = pair_of(PARAMETERS)
    matrices = [True, False, True, True]
    optimizer = Muon(ours, recipe, matrices=matrices)
    flat = [torch.nn.Parameter(as_matrix(own.detach()).clone() if own.dim() > 1 else own.clone()) for own in ours]
    options = {"lr": 1.0, "weight_decay": 0.05}
    oracle = torch.optim.Muon(
        [flat[0], *flat[2:]], momentum=0.9, nesterov=nesterov, adjust_lr_fn="match_rms_adamw", **options
    )
    rest = torch.optim.AdamW([flat[1]], betas=(0.9, 0.999), fused=True, **options)
    for step in range(4):
        rate = 0.01 / (1 + step)
        optimizer.set_learning_rate(rate)
        for group in [*oracle.param_groups, *rest.param_groups]:
            group["lr"] = rate
        give_gradients(ours, [], step)
        for own, other in zip(ours, flat, strict=True):
            assert own.grad is not None
            other.grad = as_matrix(own.grad) if own.dim() > 1 else own.grad.clone()
        optimizer.step()
        oracle.step()
        rest.step()
    for own, other in zip(ours, flat, strict=True):
        torch.testing.assert_close(as_matrix(own) if own.dim() > 1 else own, other)


def test_muons_direction_is_nearly_orthogonal() -> None:
    for shape in ((12, 30), (30, 12)):
        matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(orthogonal(matrix).float())
        assert 0.5 < values.min() <= values.max() < 1.5
        u, _, v = torch.linalg.svd(matrix, full_matrices=False)
        cosine = torch.cosine_similarity(orthogonal(matrix).float().flatten(), (u @ v).flatten(), dim=0)
        assert cosine > 0.97


def test_weight_decay_is_by_kind_of_parameter(run: RunConfig) -> None:
    factors = DecayFactors(convolutions=1, dense=2, biases=3, norms=4)
    recipe = dataclasses.replace(run.recipe, weight_decay=0.5, weight_decay_factors=factors)
    model = build_model(dataclasses.replace(run.model, norm="batch", projection=True, project_equal=True), 4, seed=0)
    optimizer = optimizer_for(model, recipe)
    found = {name: decay for (name, _), decay in zip(model.named_parameters(), optimizer.decays, strict=True)}
    assert found["convolutions.conv3.weight"] == found["projections.conv2.weight"] == 0.5
    assert found["classifier.1.weight"] == 1.0
    assert found["convolutions.conv1.bias"] == found["classifier.6.bias"] == 1.5
    assert found["norms.conv2.weight"] == found["norms.conv2.bias"] == 2.0
    muon = optimizer_for(model, dataclasses.replace(recipe, optimizer="muon"))
    assert isinstance(muon, Muon)
    matrices = {name for (name, _), own in zip(model.named_parameters(), muon.matrices, strict=True) if own}
    assert {"convolutions.conv1.weight", "classifier.4.weight"} < matrices
    assert not matrices & {"classifier.6.weight", "convolutions.conv1.bias", "norms.conv2.weight"}


def give_gradients(ours: list[torch.nn.Parameter], theirs: list[torch.nn.Parameter], step: int) -> None:
    """The same random gradients for both."""
    generator = torch.Generator().manual_seed(step)
    for own in ours:
        own.grad = torch.randn(own.shape, generator=generator).contiguous(memory_format=_layout(own))
    for own, other in zip(ours, theirs, strict=False):
        assert own.grad is not None
        other.grad = own.grad.clone()


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
