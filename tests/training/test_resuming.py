"""Training: the same bits however often it is stopped; damage is found; the step is PyTorch's textbook step."""

import dataclasses
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from alexnet_study import files
from alexnet_study.data.dataset import Dataset, normalise
from alexnet_study.errors import DamagedRunError, RequestError, RunError
from alexnet_study.models import build_model
from alexnet_study.runs.fencing import Process
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Attempt, Summary
from alexnet_study.study.configs import RecipeConfig, RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training import epoch, state
from alexnet_study.training.determinism import derive_seed, prepare
from alexnet_study.training.epoch import epoch_order
from alexnet_study.training.pack import execute_each
from alexnet_study.training.run import Execution
from alexnet_study.training.state import TrainingState, content_digest, read_checkpoint
from alexnet_study.training.step import train_step
from tests.conftest import bits, execute, pack_context


def attempts(folder: RunFolder) -> tuple[Attempt, ...]:
    return folder.read_provenance().attempts


class Stop(BaseException):
    """Stands for a death that runs no handler of the product's."""


def test_a_run_writes_its_whole_folder_and_is_left_alone_when_finished(
    run: RunConfig, data: Dataset, tmp_path: Path
) -> None:
    summary = execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    names = {"config.json", "provenance.json", "metrics.jsonl", "predictions.npz", "features.npz", "summary.json"}
    names |= {"model.safetensors"}
    assert {path.name for path in folder.path.iterdir()} == names
    before = bits(folder)
    assert execute(run, data, tmp_path) == summary == folder.read_summary()
    assert bits(folder) == before
    assert [entry.cause for entry in attempts(folder)] == ["finished"]
    epochs = folder.read_metrics()
    assert [record.epoch for record in epochs] == [0, 1]
    assert epochs[-1].train_eval_n == len(data.train)
    assert summary.gap.published == pytest.approx(epochs[-1].train_loss - epochs[-1].test_loss)
    assert summary.gap.proper == pytest.approx(epochs[-1].test_loss - epochs[-1].train_eval_loss)


def test_stopped_after_any_step_it_ends_with_the_same_bits(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)  # a checkpoint after each step
    execute(run, data, tmp_path / "whole")
    step = state.train_step
    for survived in range(6):
        calls = 0

        def dies(*arguments: object, survived: int = survived) -> torch.Tensor:
            nonlocal calls
            calls += 1
            if calls > survived:
                raise Stop
            return step(*arguments)  # type: ignore[arg-type]

        results = tmp_path / f"stopped-{survived}"
        monkeypatch.setattr(state, "train_step", dies)
        with pytest.raises(Stop):
            execute(run, data, results)
        monkeypatch.setattr(state, "train_step", step)
        execute(run, data, results)
        assert bits(RunFolder.of(results, run)) == bits(RunFolder.of(tmp_path / "whole", run))
        assert [entry.first_epoch for entry in attempts(RunFolder.of(results, run))] == [0, survived // 3]


@pytest.mark.parametrize("damage", ["flip", "truncate"])
def test_a_damaged_checkpoint_is_found(run: RunConfig, tmp_path: Path, damage: str) -> None:
    state = TrainingState(run, 4, torch.device("cpu"))
    folder = RunFolder(tmp_path)
    with folder.held(job="1", restart=0):
        state.save(folder)
    content = bytearray(folder.checkpoint.read_bytes())
    weights = next(state.model.parameters()).detach().contiguous().numpy().tobytes()
    position = content.find(state.model.classifier[1].weight.detach().numpy().tobytes()[:32])
    assert position > 0
    assert weights
    content[position + 3] ^= 1
    folder.checkpoint.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    with pytest.raises(DamagedRunError, match=r"checkpoint\.pt"):
        state.restore(folder)


def test_a_checkpoint_of_another_format_is_named(run: RunConfig, tmp_path: Path) -> None:
    content = {"model": {}, "optimizer": {}}
    folder = RunFolder(tmp_path)
    torch.save(content | {"digest": content_digest(content)}, folder.checkpoint)
    with pytest.raises(DamagedRunError, match="another version"):
        TrainingState(run, 4, torch.device("cpu")).restore(folder)


def test_damage_is_reported_and_computed_again(
    run: RunConfig, data: Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    before = bits(folder)
    folder.checkpoint.write_bytes(b"nothing")
    folder.summary.write_text(folder.summary.read_text().replace('"top1": 0', '"top1": 1', 1))
    dead = folder.path / ".attempt-000001.0.elsewhere-1.0a"
    dead.mkdir()
    (dead / "process.json").write_text(json.dumps({**dataclasses.asdict(Process.current()), "started": 1}))
    (dead / ".summary.json.0.tmp").write_text("half")
    execute(run, data, tmp_path)
    assert bits(folder) == before
    assert not list(folder.path.glob(".*"))
    said = capfd.readouterr().err
    assert "summary.json fails its checksum" in said
    assert "checkpoint.pt cannot be read" in said


def test_another_configuration_is_refused(run: RunConfig, data: Dataset, tmp_path: Path) -> None:
    execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    before = bits(folder)
    other = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, momentum=0.5))
    named = r"holds a run of another configuration \(recipe\.momentum: 0\.9 there, 0\.5 here\): remove"
    with pytest.raises(RequestError, match=named):
        execute(other, data, tmp_path)
    assert bits(folder) == before


def test_a_results_folder_that_cannot_be_written_is_refused(run: RunConfig, data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="--results"):
        execute(run, data, tmp_path / "file")


def test_a_checkpoint_holds_plain_values_under_names_that_stay(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a checkpoint of an earlier version would not be gone on from."""
    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(Execution, "_measure", lambda execution: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    content = torch.load(folder.checkpoint, weights_only=True)
    names = {"model", "momenta", "epoch", "step", "sums", "seconds", "records", "origins", "digest"}
    assert content.keys() == names
    assert content["records"] == [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert content["origins"] == json.loads(folder.provenance.read_text())["origins"]
    assert [type(number) for number in content["sums"]] == [float] * 3
    saved = read_checkpoint(folder)
    assert (list(saved.records), saved.epoch, saved.step) == (list(folder.read_metrics()), 1, content["step"])


@pytest.mark.parametrize("written", range(1, 16))  # all that a run of two epochs and seven checkpoints writes
def test_a_full_disk_ends_the_run_with_one_line_and_nothing_half_written(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    monkeypatch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)
    real = files.os.fsync
    writes = 0

    def fills_up(descriptor: int) -> None:
        nonlocal writes
        writes += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if writes >= written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", fills_up)
    with pytest.raises(RunError, match="No space left"):
        execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    assert not list(folder.path.glob(".*"))
    monkeypatch.setattr(files.os, "fsync", real)
    execute(run, data, tmp_path)
    assert folder.read_summary() is not None
    assert not folder.checkpoint.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "in epoch 1: the loss is nan"),
        ({"epochs": 1}, "in epoch 1: the loss is nan"),
        # one step an epoch, so that only evaluation meets the weights that it leaves
        ({"epochs": 1, "batch_size": 48, "learning_rate": 1e45}, "in epoch 1: a weight is not finite"),
        ({"epochs": 1, "batch_size": 48}, "the loss in evaluation mode is nan"),
        ({"epochs": 2, "batch_size": 48}, "the loss in evaluation mode is nan"),
    ],
)
def test_divergence_ends_its_own_run_only_with_one_line(
    study_file: Path, data: Dataset, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    study = load_study(study_file)
    wild, tame = study.run("skip", 0), study.run("skip", 1)
    wild = dataclasses.replace(wild, recipe=dataclasses.replace(wild.recipe, **{"learning_rate": 1e30, **changes}))
    outcomes = dict(execute_each([wild, tame], pack_context(data, tmp_path)))
    assert isinstance(outcomes[wild], RunError)
    assert str(outcomes[wild]).startswith("training diverged")
    assert f"{words}; try a lower learning_rate" in str(outcomes[wild])
    assert "diverged" in str(attempts(RunFolder.of(tmp_path, wild))[0].cause)
    assert isinstance(outcomes[tame], Summary)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_step_is_the_textbook_step(run: RunConfig, precision: str) -> None:
    state = TrainingState(run, 4, torch.device("cpu"))
    twin = build_model(run.model, 4, seed=derive_seed("initialisation", run.seed))
    images = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 4
    state.generator.manual_seed(5)
    recipe = dataclasses.replace(run.recipe, precision=precision)
    sums = train_step(state.model, state.optimizer, images, labels, recipe)
    torch.manual_seed(5)
    logits = twin(normalise(images))
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    tolerance = 1e-6 if precision == "fp32" else 2e-2
    for ours, theirs in zip(state.model.parameters(), twin.parameters(), strict=True):
        assert theirs.grad is not None
        expected = theirs - recipe.learning_rate * (theirs.grad + recipe.weight_decay * theirs)
        torch.testing.assert_close(ours, expected, rtol=tolerance, atol=tolerance)
    assert sums[0].item() / 8 == pytest.approx(loss.item(), rel=10 * tolerance)
    assert sums[2].item() == 8


def test_the_order_is_a_permutation_of_its_own_for_seed_and_epoch() -> None:
    orders = [epoch_order(seed, epoch, 50).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert 0 <= derive_seed("dropout", 10**30, 0, 0) < 2**63


def test_tf32_is_refused_on_a_cpu() -> None:
    with pytest.raises(RequestError, match="tf32"):
        prepare(RecipeConfig(precision="tf32"), torch.device("cpu"))


def test_the_arrays_hold_what_the_summary_says(run: RunConfig, data: Dataset, tmp_path: Path) -> None:
    summary = execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    with np.load(folder.predictions) as arrays:
        for name in ("intact", "lesioned"):
            assert arrays[name].dtype == np.float32
            top1 = (arrays[name].argmax(1) == arrays["labels"]).mean()
            assert top1 == pytest.approx(summary.evaluations[name].top1)
    with np.load(folder.features) as arrays:
        assert arrays["intact_scores"].shape == (20, 2)
        assert arrays["intact_features"].dtype == np.float16
        assert arrays["lesioned_explained_variance_ratio"].sum() == pytest.approx(1)
