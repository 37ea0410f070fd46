"""Runs side by side: the same bits as alone, by the graph's steps too, whose capture alone needs a GPU."""

import dataclasses
from pathlib import Path

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RunError
from alexnet_study.evaluation.evaluation import evaluate_epoch
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training import epoch
from alexnet_study.training import pack as execution
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.graphs import GraphSteps
from alexnet_study.training.pack import execute_each
from alexnet_study.training.side_by_side import steps_on
from alexnet_study.training.state import TrainingState, content_digest
from tests.conftest import bits, execute, pack_context
from tests.recorder import Recorder


@pytest.fixture
def runs(study_file: Path) -> list[RunConfig]:
    study = load_study(study_file)
    return [study.run("skip", seed) for seed in (0, 1, 2)]


def trained(steps: Steps, epochs: int) -> list[str]:
    for _ in range(epochs):
        train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
        for state in steps.states:
            state.epoch, state.step = state.epoch + 1, 0  # the sums go on
    weights = [state.model.state_dict() for state in steps.states]
    momenta = [state.optimizer.momenta for state in steps.states]
    sums = [state.sums.tolist() for state in steps.states]
    return [content_digest(each) for each in zip(weights, momenta, sums, strict=True)]


def states_of(runs: list[RunConfig], precision: str = "fp32", **structure: object) -> list[TrainingState]:
    """Fresh states of the runs, with another precision and structure."""
    model = dataclasses.replace(runs[0].model, **structure)  # type: ignore[arg-type]
    recipe = dataclasses.replace(runs[0].recipe, precision=precision)
    alike = [dataclasses.replace(run, model=model, recipe=recipe) for run in runs]
    return [TrainingState(run, 4, torch.device("cpu")) for run in alike]


STRUCTURES = {
    "plain": {"skips": ()},
    "skip": {},
    "projection": {"widths": (4, 6, 4, 4, 4), "projection": True},
    "batch norm": {"batch_norm": True},
    "batch norm and projection": {"batch_norm": True, "widths": (4, 6, 4, 4, 4), "projection": True},
}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
@pytest.mark.parametrize("batch_size", [16, 20, 64])  # of 48 images: a whole last step, a smaller one, one step
def test_the_graphs_steps_are_the_plain_steps(
    runs: list[RunConfig],
    data: Dataset,
    recorder: Recorder,
    batch_size: int,
    structure: dict[str, object],
    precision: str,
) -> None:
    plain = trained(Steps(states_of(runs, precision, **structure), data.train, batch_size), 2)
    graph = GraphSteps(states_of(runs, precision, **structure), data.train, batch_size, graphs=recorder)
    assert trained(graph, 2) == plain
    assert len(recorder.tapes) == len({min(batch_size, 48), 48 % batch_size or min(batch_size, 48)})


def test_a_schedule_reaches_every_step_of_a_graph(
    runs: list[RunConfig], data: Dataset, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    constant = trained(Steps(states_of(runs), data.train, 20), 2)
    monkeypatch.setattr(epoch, "learning_rate", lambda recipe, step, steps: recipe.learning_rate / (1 + step))
    plain = trained(Steps(states_of(runs), data.train, 20), 2)
    assert plain != constant
    assert trained(GraphSteps(states_of(runs), data.train, 20, graphs=recorder), 2) == plain


def test_a_run_has_the_bits_in_company_that_it_has_alone(runs: list[RunConfig], data: Dataset) -> None:
    together = trained(Steps(states_of(runs), data.train, 20), 2)
    assert together == [trained(Steps([state], data.train, 20), 2)[0] for state in states_of(runs)]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_graph_captured_again_after_an_evaluation_trains_on(
    runs: list[RunConfig], data: Dataset, batch_norm: bool
) -> None:
    """As when a run of the pack failed: the others go on in another graph, with dropout and moving averages."""
    plain = Steps(states_of(runs, batch_norm=batch_norm), data.train, 20)
    trained(plain, 1)
    expected = trained(Steps(plain.states[:2], data.train, 20), 1)
    graph = GraphSteps(states_of(runs, batch_norm=batch_norm), data.train, 20, graphs=Recorder())
    trained(graph, 1)
    for state in graph.states:
        evaluate_epoch(state.model, data.test, data.train)
    assert trained(GraphSteps(graph.states[:2], data.train, 20, graphs=Recorder()), 1) == expected


def test_a_graph_goes_on_from_a_checkpoint_and_across_evaluations(
    runs: list[RunConfig], data: Dataset, tmp_path: Path
) -> None:
    expected = trained(Steps(states_of(runs), data.train, 20), 3)
    graph = GraphSteps(states_of(runs), data.train, 20, graphs=Recorder())
    trained(graph, 1)
    resumed = states_of(runs)
    for run, state, fresh in zip(runs, graph.states, resumed, strict=True):
        folder = RunFolder(tmp_path / str(run.seed))
        folder.path.mkdir()
        with folder.held(job="1", restart=0):
            state.save(folder)
        fresh.restore(folder)
        assert (fresh.epoch, fresh.step) == (state.epoch, state.step) != (0, 0)
    steps = GraphSteps(resumed, data.train, 20, graphs=Recorder())
    trained(steps, 1)
    for state in resumed:
        evaluate_epoch(state.model, data.test, data.train)  # within one life of the graph
    assert trained(steps, 1) == expected


def test_runs_in_a_pack_have_the_bits_that_they_have_alone(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in runs:
        execute(run, data, tmp_path / "alone")
    monkeypatch.setattr(execution, "pack_size", lambda device: 2)
    outcomes = list(execute_each(runs, pack_context(data, tmp_path / "together")))
    assert [run for run, _ in outcomes] == runs
    for run, outcome in outcomes:
        assert outcome == RunFolder.of(tmp_path / "together", run).read_summary()
        assert bits(RunFolder.of(tmp_path / "together", run)) == bits(RunFolder.of(tmp_path / "alone", run))


def test_a_run_that_fails_leaves_its_pack_and_the_others_go_on(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(runs[0], data, tmp_path / "alone")
    check = TrainingState.check

    def fails(state: TrainingState) -> None:
        if state.seed == 1:
            raise RunError("diverged")
        check(state)

    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    monkeypatch.setattr(TrainingState, "check", fails)
    outcomes = dict(execute_each(runs, pack_context(data, tmp_path / "together")))
    assert isinstance(outcomes[runs[1]], RunError)
    assert bits(RunFolder.of(tmp_path / "together", runs[0])) == bits(RunFolder.of(tmp_path / "alone", runs[0]))
    assert not RunFolder.of(tmp_path / "together", runs[1]).summary.exists()


def test_a_cpu_takes_the_plain_steps(runs: list[RunConfig], data: Dataset) -> None:
    steps = steps_on(torch.device("cpu"), [TrainingState(runs[0], 4, torch.device("cpu"))], data.train, 16)
    assert type(steps) is Steps
