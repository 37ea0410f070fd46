"""A step fits a CUDA graph, and what happens where the capture fails, as far as a machine without a GPU can tell."""

import dataclasses
from collections.abc import Sequence

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import LostGpuError, RunError
from alexnet_study.study.configs import ModelConfig, RecipeConfig, RunConfig
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.graphs import GraphSteps, Work, registers_generators
from alexnet_study.training.side_by_side import (
    TooManyRunsError,
    first_error,
    graph_or_plain,
    is_out_of_memory,
    pack_bytes,
    runs_side_by_side,
    step_bytes,
)
from alexnet_study.training.state import TrainingState, content_digest
from tests.cuda_rules import ALERTS_ON_CUDA, ILLEGAL_IN_A_CAPTURE, names_of
from tests.recorder import Recorder


@pytest.fixture
def states(run: RunConfig) -> list[TrainingState]:
    return [TrainingState(dataclasses.replace(run, seed=seed), 4, torch.device("cpu")) for seed in (0, 1)]


def content(states: Sequence[TrainingState]) -> str:
    return content_digest([(s.model.state_dict(), s.optimizer.momenta, s.sums) for s in states])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_step_holds_nothing_that_a_capture_forbids(
    run: RunConfig, data: Dataset, recorder: Recorder, precision: str, batch_norm: bool
) -> None:
    model = dataclasses.replace(run.model, widths=(4, 6, 4, 4, 4), projection=True, batch_norm=batch_norm)
    recipe = dataclasses.replace(run.recipe, precision=precision)
    state = TrainingState(dataclasses.replace(run, model=model, recipe=recipe), 4, torch.device("cpu"))
    GraphSteps([state], data.train, 20, graphs=recorder)
    assert names_of(recorder.names) >= {"convolution_backward", "random_", "_fused_sgd_"}
    assert not names_of(recorder.names) & ILLEGAL_IN_A_CAPTURE
    assert not names_of(recorder.names) & ALERTS_ON_CUDA
    assert all(len(devices) <= 1 for devices in recorder.devices), "a copy across devices"


@pytest.mark.parametrize("work", [lambda x: x.sum().item(), lambda x: x.nonzero(), lambda x: x + torch.tensor([1.0])])
def test_the_tape_shows_what_a_capture_forbids(recorder: Recorder, work: "Work") -> None:
    x = torch.ones(3)
    recorder.capture([lambda: work(x)], lambda: None)  # type: ignore[call-arg]
    assert names_of(recorder.names) & ILLEGAL_IN_A_CAPTURE


class Failing(Recorder):
    """Fails in the middle of a capture or of a warm-up, and once more when the capture ends, as PyTorch does."""

    def __init__(self, error: Exception, *, while_warming_up: bool = False) -> None:
        super().__init__()
        self.error, self.while_warming_up = error, while_warming_up

    def warm_up(self, work: Work) -> None:
        work()
        if self.while_warming_up:
            raise self.error

    def capture(self, branches: Sequence[Work], last: Work) -> Work:
        try:
            branches[0]()
            raise self.error
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")


@pytest.mark.parametrize("while_warming_up", [False, True])
def test_a_capture_that_fails_leaves_plain_steps_with_the_same_bits_and_says_why(
    states: list[TrainingState],
    run: RunConfig,
    data: Dataset,
    capsys: pytest.CaptureFixture[str],
    while_warming_up: bool,
) -> None:
    before = content(states)
    failing = Failing(RuntimeError("CUDA error: not permitted\nmore lines"), while_warming_up=while_warming_up)
    steps = graph_or_plain(states, data.train, 20, graphs=failing)
    assert content(states) == before
    assert type(steps) is Steps
    assert steps.kind == "eager"
    assert capsys.readouterr().err.splitlines() == [
        "note: the GPU's steps can't be a CUDA graph, so they are slower: CUDA error: not permitted"
    ]
    fresh = [TrainingState(dataclasses.replace(run, seed=seed), 4, torch.device("cpu")) for seed in (0, 1)]
    for each in (steps, Steps(fresh, data.train, 20)):
        train_epoch(each, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
    assert content(states) == content(fresh)


def test_a_capture_without_room_asks_for_fewer_runs_and_at_last_ends_the_run(
    states: list[TrainingState], data: Dataset
) -> None:
    before = content(states)
    failing = Failing(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    with pytest.raises(TooManyRunsError, match="Tried to allocate"):
        graph_or_plain(states, data.train, 20, graphs=failing)
    with pytest.raises(RunError, match="too small for one run: CUDA out of memory"):
        graph_or_plain(states[:1], data.train, 20, graphs=failing)
    assert content(states) == before


def test_a_lost_gpu_ends_the_run(states: list[TrainingState], data: Dataset) -> None:
    failing = Failing(RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with"))
    with pytest.raises(LostGpuError, match=r"^GPU lost on \S+: CUDA error: an illegal memory access[^\n]*$"):
        graph_or_plain(states, data.train, 20, graphs=failing)


def test_the_first_error_of_a_chain_is_found() -> None:
    with pytest.raises(RuntimeError) as caught:
        Failing(RuntimeError("first")).capture([lambda: None], lambda: None)
    assert str(first_error(caught.value)) == "first"


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), False),
    ],
)
def test_errors_of_a_full_memory_are_told_from_others(error: Exception, full: bool) -> None:
    assert is_out_of_memory(error) == full


@pytest.mark.parametrize(("free", "runs"), [(80 * 10**9, 16), (10 * 10**9, 3), (10**9, 1), (0, 1)])
def test_as_many_runs_go_side_by_side_as_fit_the_memory(free: int, runs: int) -> None:
    assert runs_side_by_side(free, 10**9) == runs


SKIP_IN_FP32 = step_bytes(ModelConfig(skips=("conv2",)), 10, RecipeConfig())
MEASURED_ON_AN_H200 = {1: 1.54, 16: 17.29}  # GiB that the steps of `skip` in fp32 took, torch 2.11.0+cu130


@pytest.mark.parametrize("runs", MEASURED_ON_AN_H200)
def test_what_steps_took_of_a_gpus_memory_is_within_the_estimate_and_near_it(runs: int) -> None:
    taken = MEASURED_ON_AN_H200[runs] * 2**30
    assert 1.05 * taken < pack_bytes(runs, SKIP_IN_FP32) < 1.5 * taken


@pytest.mark.parametrize(("gib", "fewest", "most"), [(8, 2, 6), (16, 6, 12), (24, 10, 16), (80, 16, 16)])
def test_a_gpu_of_common_size_gets_several_runs_and_no_more_than_what_was_measured_lets_it(
    gib: int, fewest: int, most: int
) -> None:
    free = int((gib - 0.75) * 2**30)  # the rest: CUDA's context
    runs = runs_side_by_side(free, SKIP_IN_FP32)
    assert fewest <= runs <= most
    first, last = MEASURED_ON_AN_H200[1], MEASURED_ON_AN_H200[16]
    assert (first + (runs - 1) * (last - first) / 15) * 2**30 < free


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("widths", [(4, 4, 4, 4, 4), (32, 16, 16, 16, 16)])
def test_the_estimate_of_a_steps_memory_holds_all_that_a_step_makes(
    run: RunConfig, data: Dataset, recorder: Recorder, widths: tuple[int, ...], batch_norm: bool
) -> None:
    model = dataclasses.replace(run.model, widths=widths, batch_norm=batch_norm, projection=widths[0] != widths[1])
    state = TrainingState(dataclasses.replace(run, model=model), 4, torch.device("cpu"))
    GraphSteps([state], data.train, 48, graphs=recorder)
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for operation in recorder.tapes[0]
        for tensor in operation.made
    }
    made = sum(storages.values())  # all of them at once: a step frees some on the way
    assert made < step_bytes(model, 4, RecipeConfig(batch_size=48)) < 3 * made


@pytest.mark.parametrize(
    ("version", "told"), [("2.11.0", True), ("2.13.1+cu126", True), ("2.14.1+cu130", False), ("3.0.0a0", False)]
)
def test_a_graph_is_told_its_generators_where_pytorch_does_not_find_them(version: str, told: bool) -> None:
    assert registers_generators(version) == told
