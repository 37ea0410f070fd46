"""The checks of a GPU, carried out on a CPU with the recorder in the graph's place: each passes, and each can fail."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import pytest
import torch

from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import ModelConfig
from alexnet_study.training.determinism import derive_seed
from alexnet_study.training.gpu_check import checks as gpu_check
from alexnet_study.training.gpu_check.checks import FailedCheckError, checks
from alexnet_study.training.gpu_check.lines import carry_out
from alexnet_study.training.gpu_check.place import Place
from alexnet_study.training.graphs import Work
from alexnet_study.training.state import TrainingState
from tests.recorder import Recorder

BITS = ("graph = eager", "pack = alone", "resumed = undisturbed", "captured again after an evaluation")
LOST = "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"


def no_memory(work: Callable[[], object]) -> int:
    work()
    return 0


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """This machine's CPU, with models that take moments."""
    monkeypatch.setattr(gpu_check, "SPEED_STEPS", 1)
    monkeypatch.setattr(gpu_check, "MOST_RUNS", 2)
    return Place(
        device=torch.device("cpu"),
        capture=lambda states: Recorder(),
        peak=no_memory,
        model=ModelConfig(widths=(4, 4, 4, 4, 4), hidden=8),
        batch_size=8,
        precisions=("fp32",),
    )


def named(place: Place) -> dict[str, Callable[[], str]]:
    return dict(checks(place))


def test_all_checks_pass_where_a_graph_is_faithful(place: Place) -> None:
    said: list[str] = []
    assert carry_out(checks(place), said.append) == 0
    assert all(line.startswith("ok ") for line in said[:-1]), said
    assert len(said) - 1 == len(named(place)) == 14
    assert said[-1].startswith("all as it should be")


class Unfaithful(Recorder):
    """Replays the first branch only."""

    def capture(self, branches: Sequence[Work], last: Work) -> Work:
        return super().capture(branches[:1], last)


class Stale(Recorder):
    """Replays nothing: what was captured is never done."""

    def capture(self, branches: Sequence[Work], last: Work) -> Work:
        super().capture(branches, last)
        return lambda: None


@pytest.mark.parametrize(("recorder", "failing"), [(Unfaithful, BITS[1]), (Unfaithful, BITS[3]), (Stale, BITS[0])])
def test_a_graph_that_does_other_work_is_seen(place: Place, recorder: type[Recorder], failing: str) -> None:
    other = dataclasses.replace(place, capture=lambda states: recorder())
    with pytest.raises(FailedCheckError, match="the bits differ: plain in fp32, skip in fp32, norm in fp32"):
        named(other)[failing]()


def test_a_checkpoint_that_leaves_something_out_is_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    restore = TrainingState.restore

    def forgets(state: TrainingState, folder: RunFolder) -> None:
        restore(state, folder)
        for momentum in state.optimizer.momenta:
            momentum.zero_()

    monkeypatch.setattr(TrainingState, "restore", forgets)
    with pytest.raises(FailedCheckError, match="the bits differ"):
        named(place)[BITS[2]]()


def test_another_process_with_other_bits_is_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexnet_study.training.state.derive_seed", lambda *parts: derive_seed("other", *parts))
    with pytest.raises(FailedCheckError, match="two processes"):
        named(place)["two processes alike"]()


def test_another_process_that_fails_is_told_by_its_last_words(place: Place) -> None:
    other = dataclasses.replace(place, batch_size=0)
    with pytest.raises(FailedCheckError, match=r"ended with 1: .*Error"):
        gpu_check.two_processes(other)


def test_an_analysis_that_varies_or_lies_far_off_is_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    analysed, turns = gpu_check._analysed, itertools.count()

    def varies(*arguments: object) -> object:
        analysis = analysed(*arguments)  # type: ignore[arg-type]
        intact = analysis.evaluations["intact"]
        loss = intact.loss + next(turns) * 2 * gpu_check.LOSS_TOLERANCE
        analysis.evaluations["intact"] = dataclasses.replace(intact, loss=loss)
        return analysis

    monkeypatch.setattr(gpu_check, "_analysed", varies)
    with pytest.raises(FailedCheckError, match="differ from one time to the next"):
        named(place)["analysis twice alike"]()
    with pytest.raises(FailedCheckError, match=r"the loss is \+2\.\d+e-04 from the CPU's; expected within 1e-04"):
        named(place)["analysis near the CPU's"]()


def test_memory_beyond_what_packs_are_planned_by_is_seen(place: Place) -> None:
    greedy = dataclasses.replace(place, peak=lambda work: 2**31)
    with pytest.raises(FailedCheckError, match="packs would be too large"):
        named(greedy)["memory of 1 side by side"]()


@pytest.mark.parametrize(("runs", "gib"), [(1, 1.54), (16, 17.29)])
def test_the_memory_that_an_h200_took_passes(place: Place, runs: int, gib: float) -> None:
    measured = int(gib * 2**30)  # of the published model in batches of 256, fp32, torch 2.11.0+cu130
    h200 = dataclasses.replace(place, model=ModelConfig(), batch_size=256, peak=lambda _: measured)
    assert gpu_check.memory(h200, runs).startswith(f"{runs} in {gib} GiB, estimated ")


def test_a_loss_that_is_no_number_is_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexnet_study.training.epoch.learning_rate", lambda *_: 1e30)
    with pytest.raises(FailedCheckError, match="the loss is"):
        named(place)["step of skip in fp32"]()


def fails(text: str) -> Callable[[], str]:
    def check() -> str:
        raise RuntimeError(text)

    return check


def test_a_check_that_fails_is_named_and_the_others_go_on() -> None:
    said: list[str] = []
    assert carry_out([("one", fails("no kernel\nmore")), ("two", lambda: "fine")], said.append) == 1
    assert said[:2] == ["FAIL  one: no kernel", "ok    two: fine"]
    assert said[2].startswith("1 failed, in 0 s: please report all of these lines, with what `python -m torch.utils.")


def test_a_gpu_that_answers_no_more_ends_the_checks() -> None:
    said: list[str] = []
    assert carry_out([("one", fails(LOST)), ("two", lambda: "fine")], said.append) == 1
    assert said[1].startswith("FAIL  GPU lost on ")
    assert "not tried" in said[1]
    assert not any("two" in line for line in said)
