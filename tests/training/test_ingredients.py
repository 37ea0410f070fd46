"""Every ingredient of a recipe or a model keeps the contract: a graph's rules and bits, and resuming anywhere."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import ModelConfig, RecipeConfig, RunConfig
from alexnet_study.study.validation import build
from alexnet_study.training import epoch, state
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.graphs import GraphSteps
from alexnet_study.training.side_by_side import step_bytes
from alexnet_study.training.state import TrainingState, content_digest
from tests.conftest import bits, execute
from tests.cuda_rules import ALERTS_ON_CUDA, ILLEGAL_IN_A_CAPTURE, names_of
from tests.recorder import Recorder

MODEL = {"widths": (4, 4, 4, 4, 4), "hidden": 8, "skips": ("conv2",)}
RECIPE = {"epochs": 2, "batch_size": 20, "learning_rate": 0.05, "threads": 1}
RECIPES: dict[str, dict[str, Any]] = {
    "one cycle": {"schedule": "one_cycle", "warmup_epochs": 0.7},
    "cosine with warm-up": {"schedule": "cosine", "warmup_epochs": 0.7},
    "label smoothing": {"label_smoothing": 0.1},
    "squared error": {"loss": "squared_error"},
    "nesterov": {"nesterov": True},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01},
    "muon": {"optimizer": "muon", "learning_rate": 0.01, "nesterov": True},
    "decay by kind": {"weight_decay": 0.1, "weight_decay_factors": {"biases": 0, "norms": 0, "dense": 2}},
    "moving average": {"average": "ema", "average_decay": 0.7},
    "lookahead": {"average": "lookahead"},
    "random flips": {"augmentation": {"flip": "random"}},
    "alternating flips": {"augmentation": {"flip": "alternating"}},
    "translations and cutout": {"augmentation": {"translate": 4, "cutout": 9}},
}
MODELS: dict[str, dict[str, Any]] = {
    "tanh": {"activation": "tanh"},
    "gelu": {"activation": "gelu"},
    "silu": {"activation": "silu"},
    "overlapping pools": {"pool": "overlapping"},
    "kernels": {"kernel": (5, 5, 3, 1, 3)},
    "a projection of equal widths": {"projection": True, "project_equal": True},
    "dropout everywhere": {"dropout_before": ("conv2", "conv3", "conv4", "conv5", "hidden1", "hidden2", "output")},
    "batch norm": {"norm": "batch"},
    "group norm": {"norm": "group", "groups": 2},
    "local response": {"norm": "local_response"},
    "whitening": {"initialisation": "whitening"},
    "a pooled head": {"head": "pooled", "logit_scale": 0.5},
    "a head of maxima": {"head": "max_pooled"},
}
INGREDIENTS = [
    *[pytest.param({}, own, id=name) for name, own in RECIPES.items()],
    *[pytest.param(own, {}, id=name) for name, own in MODELS.items()],
]
each_ingredient = pytest.mark.parametrize(("model", "recipe"), INGREDIENTS)


def run_of(model: dict[str, Any], recipe: dict[str, Any], seed: int = 0) -> RunConfig:
    """A small run with an ingredient."""
    structure, how = build(ModelConfig, MODEL | model, "model"), build(RecipeConfig, RECIPE | recipe, "recipe")
    return RunConfig(study="ingredients", variant="one", seed=seed, model=structure, recipe=how)


def states_of(model: dict[str, Any], recipe: dict[str, Any], data: Dataset) -> list[TrainingState]:
    """Fresh states of two seeds."""
    return [TrainingState(run_of(model, recipe, seed), len(data.classes), torch.device("cpu")) for seed in (0, 1)]


def trained(steps: Steps) -> list[str]:
    """The content of each state after two epochs."""
    for _ in range(2):
        train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
        for each in steps.states:
            each.epoch, each.step = each.epoch + 1, 0
    return [content_digest([s.model.state_dict(), s.momenta, s.sums]) for s in steps.states]


@each_ingredient
def test_it_changes_the_run(model: dict[str, Any], recipe: dict[str, Any], data: Dataset) -> None:
    with_it, without = (trained(Steps(states_of(*own, data), data.train, 20)) for own in ((model, recipe), ({}, {})))
    assert with_it != without


@each_ingredient
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_graph_takes_the_same_steps_and_holds_nothing_forbidden(
    model: dict[str, Any], recipe: dict[str, Any], precision: str, data: Dataset, recorder: Recorder
) -> None:
    own = recipe | {"precision": precision}
    plain = trained(Steps(states_of(model, own, data), data.train, 20))
    graph = GraphSteps(states_of(model, own, data), data.train, 20, graphs=recorder)
    assert trained(graph) == plain
    assert not names_of(recorder.names) & (ILLEGAL_IN_A_CAPTURE | ALERTS_ON_CUDA)
    assert all(len(devices) <= 1 for devices in recorder.devices), "a copy across devices"


@each_ingredient
def test_the_estimate_of_its_memory_holds_all_that_a_step_makes(
    model: dict[str, Any], recipe: dict[str, Any], data: Dataset, recorder: Recorder
) -> None:
    GraphSteps(states_of(model, recipe, data)[:1], data.train, 48, graphs=recorder)
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for operation in recorder.tapes[0]
        for tensor in operation.made
    }
    run = run_of(model, recipe | {"batch_size": 48})
    assert sum(storages.values()) < step_bytes(run.model, 4, run.recipe)


class Stop(BaseException):
    """Stands for a death that runs no handler of the product's."""


@each_ingredient
def test_stopped_in_mid_epoch_it_ends_with_the_same_bits(
    model: dict[str, Any], recipe: dict[str, Any], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(model, recipe)
    monkeypatch.setattr(epoch, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
    execute(run, data, tmp_path / "whole")
    step, calls = state.train_step, 0

    def dies(*arguments: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls in (2, 5):  # in the first epoch, and in the second
            raise Stop
        return step(*arguments)

    monkeypatch.setattr(state, "train_step", dies)
    for _ in range(2):
        with pytest.raises(Stop):
            execute(run, data, tmp_path / "stopped")
    execute(run, data, tmp_path / "stopped")
    assert bits(RunFolder.of(tmp_path / "stopped", run)) == bits(RunFolder.of(tmp_path / "whole", run))


def test_every_ingredient_is_another_identity_than_the_default() -> None:
    plain = run_of({}, {})
    for model, recipe in [({}, own) for own in RECIPES.values()] + [(own, {}) for own in MODELS.values()]:
        own = run_of(model, recipe)
        assert dataclasses.replace(own, seed=1) != dataclasses.replace(plain, seed=1)
