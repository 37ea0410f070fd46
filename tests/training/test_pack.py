"""Packs of runs: who trains together, and who is stopped by what."""

import errno
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from alexnet_study.data.dataset import Dataset, Split
from alexnet_study.errors import LostGpuError, ReplacedError, RunError, StoppedError, notes_of
from alexnet_study.runs.attempts import OngoingAttempt
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import Interruption
from alexnet_study.runs.records import Summary
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import Identity
from alexnet_study.study.study import load_study
from alexnet_study.training import epoch
from alexnet_study.training import pack as execution
from alexnet_study.training.epoch import CheckpointTimer, Steps, epoch_order
from alexnet_study.training.pack import PackContext, execute_each
from alexnet_study.training.run import Execution
from alexnet_study.training.side_by_side import TooManyRunsError
from alexnet_study.training.state import TrainingState, read_checkpoint
from tests.conftest import bits, execute, pack_context


@pytest.fixture
def runs(study_file: Path) -> list[RunConfig]:
    """Three seeds of one variant: a pack."""
    study = load_study(study_file)
    return [study.run("skip", seed) for seed in (0, 1, 2)]


class Stop(BaseException):
    """Stands for a death that runs no handler of the product's."""


def stop_at_epoch_1(run: RunConfig, data: Dataset, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the run's first epoch and die before its second."""

    def dies(seed: int, epoch: int, count: int) -> torch.Tensor:
        if epoch == 1:
            raise Stop
        return epoch_order(seed, epoch, count)

    with monkeypatch.context() as patch:
        patch.setattr(epoch, "epoch_order", dies)
        patch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(Stop):
            execute(run, data, results)


def test_a_run_that_stands_elsewhere_outlives_its_pack(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run at epoch 1 waits until those at epoch 0 are done; that they all fail is no failure of its own."""
    execute(runs[1], data, tmp_path / "alone")
    stop_at_epoch_1(runs[1], data, tmp_path / "together", monkeypatch)
    check = TrainingState.check

    def fails(state: TrainingState) -> None:
        if state.seed != 1:
            raise RunError(f"seed {state.seed} diverged")
        check(state)

    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    monkeypatch.setattr(TrainingState, "check", fails)
    outcomes = dict(execute_each(runs, pack_context(data, tmp_path / "together")))
    assert [str(outcomes[runs[seed]]) for seed in (0, 2)] == ["seed 0 diverged", "seed 2 diverged"]
    assert bits(RunFolder.of(tmp_path / "together", runs[1])) == bits(RunFolder.of(tmp_path / "alone", runs[1]))


def test_a_run_replaced_while_it_waits_ends_alone(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at_epoch_1(runs[1], data, tmp_path, monkeypatch)
    monkeypatch.setattr(execution, "pack_size", lambda device: 2)
    monkeypatch.setattr(OngoingAttempt, "due", property(lambda attempt: attempt._superseded))
    took = TrainingState.take_step

    def step(state: TrainingState, *arguments: Any) -> None:
        took(state, *arguments)
        assert (state.seed, state.epoch) != (1, 1), "the replaced run trained"

    def progress(attempt: OngoingAttempt) -> None:
        attempt._superseded = attempt.folder.path.name == "seed-1"

    monkeypatch.setattr(OngoingAttempt, "_stay_alive", progress)
    monkeypatch.setattr(TrainingState, "take_step", step)
    outcomes = dict(execute_each(runs[:2], pack_context(data, tmp_path)))
    assert isinstance(outcomes[runs[1]], ReplacedError)
    assert not isinstance(outcomes[runs[0]], RunError)


def test_a_signal_ends_the_whole_pack(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at_epoch_1(runs[1], data, tmp_path, monkeypatch)
    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    interruption = Interruption()
    took = TrainingState.take_step

    def step(state: TrainingState, *arguments: Any) -> None:
        took(state, *arguments)
        interruption.cause = "time limit"

    monkeypatch.setattr(TrainingState, "take_step", step)
    with pytest.raises(StoppedError, match="time limit"):
        list(execute_each(runs, pack_context(data, tmp_path, interruption=interruption)))
    for run in runs:
        attempts = RunFolder.of(tmp_path, run).read_provenance().attempts
        assert attempts[-1].cause == "time limit"
        assert RunFolder.of(tmp_path, run).checkpoint.exists()


def test_a_signal_waits_for_the_step_in_a_pack_that_ends_with_a_finished_run(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: Interruption
) -> None:
    execute(runs[1], data, tmp_path)
    monkeypatch.setattr(execution, "pack_size", lambda device: 2)
    took = TrainingState.take_step

    def step(state: TrainingState, *arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGUSR2)
        took(state, *arguments)

    monkeypatch.setattr(TrainingState, "take_step", step)
    with pytest.raises(StoppedError, match="time limit's warning") as stopped:
        list(execute_each(runs[:2], pack_context(data, tmp_path, interruption=installed)))
    assert notes_of(stopped.value) == ["kept up to epoch 1, step 1"]
    assert read_checkpoint(RunFolder.of(tmp_path, runs[0])).step == 1


@pytest.mark.parametrize("error", [ReplacedError("a newer attempt"), OSError(errno.ENOSPC, "No space left on device")])
def test_a_run_that_cannot_begin_ends_alone(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    claim = RunFolder.claim

    def fails(folder: RunFolder, own: Identity) -> None:
        if own.seed == 1:
            raise error
        claim(folder, own)

    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    monkeypatch.setattr(RunFolder, "claim", fails)
    outcomes = dict(execute_each(runs, pack_context(data, tmp_path)))
    assert [isinstance(outcomes[run], RunError) for run in runs] == [False, True, False]


def test_a_full_disk_ends_only_the_run_that_met_it(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = TrainingState.save

    def fails(state: TrainingState, folder: RunFolder) -> None:
        if state.seed == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(state, folder)

    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    monkeypatch.setattr(TrainingState, "save", fails)
    outcomes = dict(execute_each(runs, pack_context(data, tmp_path)))
    assert [isinstance(outcomes[run], RunError) for run in runs] == [False, True, False]
    assert "seed-1: No space left" in str(outcomes[runs[1]])


def finishing_order(
    runs: list[RunConfig], data: Dataset, results: Path, monkeypatch: pytest.MonkeyPatch, *, most: int
) -> list[list[str]]:
    """The packs, each as the names of its runs, in the order in which `execute_each` has them trained and told."""
    packs: list[list[RunConfig]] = []

    def carry_out(pack: list[RunConfig], context: PackContext) -> list[dict[str, Any]]:
        packs.append(pack)
        return [{} for _ in pack]

    with monkeypatch.context() as patch:
        patch.setattr(execution, "pack_size", lambda device: most)
        patch.setattr(execution, "carry_out", carry_out)
        told = []
        for run, _ in execute_each(runs, pack_context(data, results)):
            told.append(run)
            assert len(told) > sum(map(len, packs[:-1])), "told before the next pack begins"
    assert [(run.variant, run.seed) for run in told] == [(run.variant, run.seed) for pack in packs for run in pack]
    return [[f"{run.variant} {run.seed}" for run in pack] for pack in packs]


def test_a_study_is_packed_over_its_whole_list(
    study_file: Path, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed by seed where nothing is packed; else pack by pack, the variants in turn."""
    study = load_study(study_file)
    listed = [study.run(variant, seed) for seed in range(5) for variant in ("baseline", "skip")]
    order = finishing_order(listed, data, tmp_path, monkeypatch, most=1)
    assert order == [[f"{run.variant} {run.seed}"] for run in listed]
    assert finishing_order(listed, data, tmp_path, monkeypatch, most=2) == [
        ["baseline 0", "baseline 1"],
        ["skip 0", "skip 1"],
        ["baseline 2", "baseline 3"],
        ["skip 2", "skip 3"],
        ["baseline 4"],
        ["skip 4"],
    ]


def test_a_packed_study_has_the_bits_of_its_runs_alone(
    study_file: Path, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = load_study(study_file).runs()
    for run in listed:
        execute(run, data, tmp_path / "alone")
    together: list[int] = []
    steps_on = execution.steps_on

    def counted(device: torch.device, states: list[TrainingState], *rest: Any) -> object:
        together.append(len(states))
        return steps_on(device, states, *rest)

    monkeypatch.setattr(execution, "pack_size", lambda device: 16)
    monkeypatch.setattr(execution, "steps_on", counted)
    outcomes = dict(execute_each(listed, pack_context(data, tmp_path / "together")))
    assert together == [2, 2]
    assert outcomes.keys() == set(listed)
    for run in listed:
        assert bits(RunFolder.of(tmp_path / "together", run)) == bits(RunFolder.of(tmp_path / "alone", run))


def counting_saves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the seeds of the states that save from now on, in their order."""
    saved: list[int] = []
    save = TrainingState.save

    def counted(state: TrainingState, folder: RunFolder) -> None:
        saved.append(state.seed)
        save(state, folder)

    monkeypatch.setattr(TrainingState, "save", counted)
    return saved


def test_an_epochs_end_saves_only_when_it_is_time(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = counting_saves(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(epoch, "LEAST_SECONDS", 30.0)
        execute(runs[0], data, tmp_path / "seldom")
        assert saved == []
    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
    execute(runs[0], data, tmp_path / "often")
    assert len(saved) == 2 * 3 + 1  # each step, and the place after the evaluation between the epochs


def test_saving_takes_a_twentieth_of_the_time_and_is_due_every_30_s_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(epoch.time, "perf_counter", lambda: now)

    def due_after(timer: CheckpointTimer) -> float:
        nonlocal now
        start = now
        while not timer.is_due():
            now += 0.05
        return now - start

    def takes(seconds: float) -> None:
        nonlocal now
        now += seconds

    small, large = CheckpointTimer(1000), CheckpointTimer(10**9)
    assert due_after(small) == pytest.approx(0.1, abs=0.051)
    small.save(lambda: takes(0.5))
    assert due_after(small) == pytest.approx(10, abs=0.051)
    large.save(lambda: takes(0.0))
    assert due_after(CheckpointTimer(10**9)) == pytest.approx(30, abs=0.051)
    large.save(lambda: takes(100.0))
    assert due_after(large) == pytest.approx(30, abs=0.051)


def test_a_signal_while_a_pack_is_analysed_loses_no_training(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run is finished, the second in the middle of its analysis, the third waits for its own."""
    for run in runs:
        execute(run, data, tmp_path / "alone")
    interruption = Interruption()
    measure = Execution._measure

    def signalled(self: Execution) -> Summary:
        summary = measure(self)
        if self.run.seed == 1:
            interruption.cause = "time limit"
            raise StoppedError("time limit")
        return summary

    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    with monkeypatch.context() as patch:
        patch.setattr(epoch, "LEAST_SECONDS", 30.0)
        patch.setattr(Execution, "_measure", signalled)
        saved = counting_saves(patch)
        with pytest.raises(StoppedError):
            list(execute_each(runs, pack_context(data, tmp_path / "together", interruption=interruption)))
    assert sorted(saved) == [1, 2]
    folders = [RunFolder.of(tmp_path / "together", run) for run in runs]
    causes = [folder.read_provenance().attempts[-1].cause for folder in folders]
    assert causes == ["finished", "time limit", "time limit"]
    monkeypatch.setattr(TrainingState, "take_step", lambda *arguments: pytest.fail("trained again"))
    list(execute_each(runs, pack_context(data, tmp_path / "together")))
    for run, folder in zip(runs, folders, strict=True):
        assert bits(folder) == bits(RunFolder.of(tmp_path / "alone", run))


def test_a_pack_that_the_memory_does_not_hold_is_halved(
    runs: list[RunConfig],
    data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[int] = []

    def steps_on(device: torch.device, states: list[TrainingState], split: Split, batch_size: int) -> Steps:
        made.append(len(states))
        if len(states) > 1:
            raise TooManyRunsError("CUDA out of memory")
        return Steps(states, split, batch_size)

    for run in runs:
        execute(run, data, tmp_path / "alone")
    monkeypatch.setattr(execution, "pack_size", lambda device: 3)
    monkeypatch.setattr(execution, "steps_on", steps_on)
    list(execute_each(runs, pack_context(data, tmp_path / "together")))
    assert made == [3, 1, 1, 1]
    assert "note: 3 runs side by side are too many, so 1: CUDA out of memory" in capsys.readouterr().err
    for run in runs:
        folder = RunFolder.of(tmp_path / "together", run)
        assert bits(folder) == bits(RunFolder.of(tmp_path / "alone", run))
        assert folder.read_provenance().steps == "eager"


def test_a_gpu_lost_in_mid_run_is_the_cause_and_ends_the_process(
    runs: list[RunConfig], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*arguments: Any) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with `TORCH_USE_CUDA_DSA`")

    monkeypatch.setattr(TrainingState, "take_step", lost)
    with pytest.raises(LostGpuError, match=r"^GPU lost on \S+: CUDA error: unspecified launch failure$"):
        list(execute_each(runs, pack_context(data, tmp_path)))
    attempt = RunFolder.of(tmp_path, runs[0]).read_provenance().attempts[-1]
    assert (attempt.cause or "").startswith("GPU lost on ")
