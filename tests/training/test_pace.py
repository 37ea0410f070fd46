"""A few timed steps say how long a run would take: no test looks at how long they took."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RequestError, RunError
from alexnet_study.study.configs import RunConfig
from alexnet_study.training import pace
from alexnet_study.training.pace import TIMED, Pace, pace_of, timed_as

CPU = torch.device("cpu")


def with_recipe(run: RunConfig, **changes: object) -> RunConfig:
    recipe = dataclasses.replace(run.recipe, **changes)  # type: ignore[arg-type]  # by name
    return dataclasses.replace(run, recipe=recipe)


def test_the_time_is_that_of_all_epochs_and_evaluations(run: RunConfig) -> None:
    known = Pace(training=1.0, evaluation=0.125, train=48, test=16, steps=10, device="abacus")
    at_the_end = 2 * (48 + 16) / 8  # with the skip and without it
    for epochs in (1, 2, 20):
        expected = 48 * epochs + (48 + 16) / 8 * (epochs - 1) + at_the_end
        assert known.seconds(with_recipe(run, epochs=epochs)) == expected
    plain = dataclasses.replace(run, model=dataclasses.replace(run.model, skips=()))
    assert known.seconds(run) - known.seconds(plain) == at_the_end / 2


def test_what_changes_no_step_is_timed_once(run: RunConfig) -> None:
    alike = with_recipe(run, epochs=9, learning_rate=1.0, schedule="one_cycle", warmup_epochs=1.0)
    assert timed_as(dataclasses.replace(alike, study="other", variant="other", seed=7, measure=())) == timed_as(run)
    wider = dataclasses.replace(run, model=dataclasses.replace(run.model, hidden=16))
    others = [wider, with_recipe(run, batch_size=8), with_recipe(run, threads=2), with_recipe(run, optimizer="muon")]
    assert len({timed_as(other) for other in (run, *others, dataclasses.replace(run, holdout=8))}) == 6


def test_steps_are_timed_over_the_ends_of_epochs_and_nothing_is_written(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LIMIT_SECONDS", math.inf)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    found = pace_of(dataclasses.replace(run, holdout=8), data, CPU)  # 40 images left: three steps an epoch
    assert (found.train, found.test, found.steps) == (40, 8, TIMED)
    assert found.training > 0
    assert found.evaluation > 0
    assert found.device.startswith("CPU ")
    assert set(tmp_path.rglob("*")) == before


def test_where_steps_are_slow_one_is_enough(run: RunConfig, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LIMIT_SECONDS", 0.0)
    assert pace_of(run, data, CPU).steps == 1


def test_what_cannot_be_trained_is_refused_in_one_line(
    run: RunConfig, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match="tf32 needs an NVIDIA GPU"):
        pace_of(with_recipe(run, precision="tf32"), data, CPU)

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nAdvice")

    monkeypatch.setattr(pace, "steps_on", full)
    with pytest.raises(RunError, match=r"^the GPU's memory is full: CUDA out of memory\.$"):
        pace_of(run, data, CPU)
