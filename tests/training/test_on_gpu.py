"""On an NVIDIA GPU, in deterministic mode: the same bits by a graph, in company, after a stop, in another process."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.evaluation.evaluation import Measurements, evaluate_epoch
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training import epoch, state
from alexnet_study.training.determinism import prepare
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.graphs import CudaCapture, GraphSteps
from alexnet_study.training.pack import execute_each
from alexnet_study.training.state import TrainingState, content_digest
from tests.conftest import bits, execute, pack_context

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU is visible"),
]
CUDA = torch.device("cuda")
STRUCTURES = {
    "plain": {"skips": ()},
    "skip": {},
    "norm": {"batch_norm": True, "widths": (4, 6, 4, 4, 4), "projection": True},
}
PROGRAM = """
import sys
from pathlib import Path
import torch
from alexnet_study.data.cache import load_dataset
from alexnet_study.study.study import load_study
from alexnet_study.training.determinism import prepare
from alexnet_study.training.epoch import train_epoch
from alexnet_study.training.side_by_side import steps_on
from alexnet_study.training.state import TrainingState, content_digest
cuda = torch.device("cuda")
run = load_study(Path(sys.argv[1])).run("skip", 0)
prepare(run.recipe, cuda)
state = TrainingState(run, 4, cuda)
steps = steps_on(cuda, [state], load_dataset(sys.argv[2]).to(cuda).train, 20)
train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
print(steps.kind, content_digest([state.model.state_dict(), state.optimizer.momenta, state.sums]))
"""


class Stop(BaseException):
    """Stands for a death that runs no handler of the product's."""


@pytest.fixture(autouse=True)
def deterministic(run: RunConfig) -> Iterator[None]:
    """As a run sets its process up, and back again for the tests that follow."""
    threads = torch.get_num_threads()
    prepare(run.recipe, CUDA)
    yield
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(threads)


@pytest.fixture
def runs(study_file: Path) -> list[RunConfig]:
    study = load_study(study_file)
    return [study.run("skip", seed) for seed in (0, 1, 2)]


def states_of(runs: list[RunConfig], precision: str = "fp32", **structure: object) -> list[TrainingState]:
    model = dataclasses.replace(runs[0].model, **structure)  # type: ignore[arg-type]
    recipe = dataclasses.replace(runs[0].recipe, precision=precision)
    prepare(recipe, CUDA)
    return [TrainingState(dataclasses.replace(run, model=model, recipe=recipe), 4, CUDA) for run in runs]


def trained(steps: Steps, epochs: int = 1) -> list[str]:
    for _ in range(epochs):
        train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
        for each in steps.states:
            each.epoch, each.step = each.epoch + 1, 0
    return [content_digest([s.model.state_dict(), s.optimizer.momenta, s.sums]) for s in steps.states]


def graph_of(states: list[TrainingState], data: Dataset, batch_size: int = 20) -> GraphSteps:
    return GraphSteps(states, data.train, batch_size, graphs=CudaCapture(states))


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
@pytest.mark.parametrize("batch_size", [16, 20, 64])
def test_a_graphs_steps_are_the_eager_steps(
    runs: list[RunConfig], data: Dataset, batch_size: int, structure: dict[str, object], precision: str
) -> None:
    there = data.to(CUDA)
    eager = trained(Steps(states_of(runs, precision, **structure), there.train, batch_size), 2)
    assert trained(graph_of(states_of(runs, precision, **structure), there, batch_size), 2) == eager


def test_a_schedule_reaches_every_step_of_a_graph(
    runs: list[RunConfig], data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = data.to(CUDA)
    monkeypatch.setattr(epoch, "learning_rate", lambda recipe, step, steps: recipe.learning_rate / (1 + step))
    eager = trained(Steps(states_of(runs), there.train, 20), 2)
    assert trained(graph_of(states_of(runs), there), 2) == eager


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_a_graph_captured_again_after_an_evaluation_trains_on(
    runs: list[RunConfig], data: Dataset, structure: dict[str, object]
) -> None:
    there = data.to(CUDA)
    eager = Steps(states_of(runs, **structure), there.train, 20)
    trained(eager)
    expected = trained(Steps(eager.states[:2], there.train, 20))
    graph = graph_of(states_of(runs, **structure), there)
    trained(graph)
    for each in graph.states:
        evaluate_epoch(each.model, there.test, there.train)
    assert trained(graph_of(graph.states[:2], there)) == expected


def test_runs_in_a_pack_have_the_bits_that_they_have_alone(
    runs: list[RunConfig], data: Dataset, tmp_path: Path
) -> None:
    for run in runs:
        execute(run, data, tmp_path / "alone")
    list(execute_each(runs, pack_context(data, tmp_path / "together")))
    for run in runs:
        together = RunFolder.of(tmp_path / "together", run)
        assert bits(together) == bits(RunFolder.of(tmp_path / "alone", run))
        assert together.read_provenance().steps == "graph"


@pytest.mark.parametrize("survived", range(1, 6))
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    """Killed after some steps, of three an epoch: a graph's steps can be counted where they draw."""
    execute(run, data, tmp_path / "whole")
    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
    draw, drawn = TrainingState.draw, 0

    def dies(each: TrainingState, step: int) -> None:
        nonlocal drawn
        drawn += 1
        if drawn > survived:
            raise Stop
        draw(each, step)

    with monkeypatch.context() as patch:
        patch.setattr(state.TrainingState, "draw", dies)
        with pytest.raises(Stop):
            execute(run, data, tmp_path / "stopped")
    execute(run, data, tmp_path / "stopped")
    assert bits(RunFolder.of(tmp_path / "stopped", run)) == bits(RunFolder.of(tmp_path / "whole", run))


def test_two_processes_have_the_same_bits(study_file: Path, images: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(study_file), str(images)]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert said[0] == said[1]
    assert said[0].startswith("graph ")


def test_the_measurements_are_alike_twice_and_near_the_cpus(run: RunConfig, data: Dataset) -> None:
    """Near: losses within 1e-4 nats, variance ratios within 1e-5; one image of 20 may change its class."""
    here = TrainingState(run, 4, torch.device("cpu")).model
    there = TrainingState(run, 4, CUDA).model
    cpu = Measurements(here, data, seed=0)
    first, second = (Measurements(there, data.to(CUDA), seed=0) for _ in range(2))
    assert first.evaluations == second.evaluations
    assert first.regressors == second.regressors
    for name, figures in cpu.evaluations.items():
        gpu = first.evaluations[name]
        assert gpu.loss == pytest.approx(figures.loss, abs=1e-4)
        assert gpu.top1 == pytest.approx(figures.top1, abs=0.051)
        ratios = figures.pca.explained_variance_ratio
        assert gpu.pca.explained_variance_ratio == pytest.approx(ratios, abs=1e-5)
        for stage, score in cpu.regressors[name].by_stage.items():
            assert first.regressors[name].by_stage[stage].top1 == pytest.approx(score.top1, abs=0.051)
