"""Runs side by side: the same bits as alone, by the graph's steps too, whose capture alone needs a GPU."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training import pack as execution
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.graphs import WARM_UP, GraphSteps, Work, capture_graph, remember, steps_on
from alexnet_study.training.pack import execute_each
from alexnet_study.training.state import TrainingState, content_digest
from tests.conftest import bits, execute, pack_context


@pytest.fixture
def runs(study_file: Path) -> list[RunConfig]:
    study = load_study(study_file)
    return [study.run("skip", seed) for seed in (0, 1, 2)]


def play(states: Sequence[TrainingState], branches: Sequence[Work], last: Work) -> Work:
    """What a graph does, without a GPU: warm up, put everything back, then do the work at each replay."""
    restore = remember(states)
    for branch in list(branches) * WARM_UP:
        branch()
    restore()

    def replay() -> None:
        for branch in branches:
            branch()
        last()

    return replay


def trained(steps: Steps, epochs: int) -> list[str]:
    for _ in range(epochs):
        train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
        for state in steps.states:
            state.epoch, state.step = state.epoch + 1, 0
    weights = [state.model.state_dict() for state in steps.states]
    momenta = [state.optimizer.momenta for state in steps.states]
    sums = [state.sums.tolist() for state in steps.states]
    return [content_digest(each) for each in zip(weights, momenta, sums, strict=True)]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("batch_size", [16, 20, 64])  # of 48 images: a whole last step, a smaller one, one step
def test_the_graphs_steps_are_the_plain_steps(
    runs: list[RunConfig], data: Dataset, batch_size: int, batch_norm: bool
) -> None:
    def states() -> list[TrainingState]:
        model = dataclasses.replace(runs[0].model, batch_norm=batch_norm)
        alike = [dataclasses.replace(run, model=model) for run in runs]
        return [TrainingState(run, 4, torch.device("cpu")) for run in alike]

    plain = trained(Steps(states(), data.train, batch_size), 2)
    alone = [trained(Steps([state], data.train, batch_size), 2)[0] for state in states()]
    graph = trained(GraphSteps(states(), data.train, batch_size, capture=play), 2)
    assert plain == alone == graph


def test_runs_in_a_pack_have_the_bits_that_they_have_alone(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in runs:
        execute(run, data, tmp_path / "alone")
    monkeypatch.setattr(execution, "pack_size", lambda device: 2)
    outcomes = list(execute_each(runs, pack_context(data, tmp_path / "together")))
    assert [run for run, _ in outcomes] == runs
    for run, outcome in outcomes:
        recorded = RunFolder.of(tmp_path / "together", run).read_summary()
        assert recorded is not None
        assert not isinstance(outcome, RunError)
        assert outcome.items() <= recorded.items()
        assert bits(RunFolder.of(tmp_path / "together", run)) == bits(RunFolder.of(tmp_path / "alone", run))


def test_a_run_that_fails_leaves_its_pack_and_the_others_go_on(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(runs[0], data, tmp_path / "alone")
    running = TrainingState.running

    def fails(state: TrainingState) -> dict[str, float]:
        if state.seed == 1:
            raise RunError("diverged")
        return running(state)

    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    monkeypatch.setattr(TrainingState, "running", fails)
    outcomes = dict(execute_each(runs, pack_context(data, tmp_path / "together")))
    assert isinstance(outcomes[runs[1]], RunError)
    assert bits(RunFolder.of(tmp_path / "together", runs[0])) == bits(RunFolder.of(tmp_path / "alone", runs[0]))
    assert not RunFolder.of(tmp_path / "together", runs[1]).summary.exists()


def test_a_cpu_takes_the_plain_steps(runs: list[RunConfig], data: Dataset) -> None:
    steps = steps_on(torch.device("cpu"), [TrainingState(runs[0], 4, torch.device("cpu"))], data.train, 16)
    assert type(steps) is Steps


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU is visible")
def test_a_captured_graph_agrees_with_the_plain_steps(runs: list[RunConfig], data: Dataset) -> None:
    device = torch.device("cuda")
    there = data.to(device).train
    graph = GraphSteps([TrainingState(run, 4, device) for run in runs], there, 20, capture=capture_graph)
    plain = Steps([TrainingState(run, 4, device) for run in runs], there, 20)
    trained(graph, 2)
    trained(plain, 2)
    for ours, theirs in zip(graph.states, plain.states, strict=True):
        for name, weights in ours.model.state_dict().items():
            torch.testing.assert_close(weights, theirs.model.state_dict()[name])
