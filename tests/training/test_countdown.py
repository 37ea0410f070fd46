"""Which of several runs come next, and how long the rest takes, as far as earlier ones show."""

import time
from dataclasses import replace

import pytest

from alexnet_study.study.configs import RunConfig
from alexnet_study.training.countdown import Countdown


def test_the_time_left_is_that_of_the_runs_that_are_not_finished(
    run: RunConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of five runs the second is finished; the first took 100 s, and the last two train twice as long."""
    longer = replace(run.recipe, epochs=2 * run.recipe.epochs)
    runs = [replace(run, seed=seed) for seed in range(3)] + [replace(run, seed=s, recipe=longer) for s in (3, 4)]
    clock = iter((0.0, 100.0, 100.0, 100.1, 200.1, 200.1, 400.1))  # a finished run is not timed
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    countdown = Countdown(runs, {runs[1]})
    for pack in ([runs[0]], [runs[1]], [runs[2]], runs[3:]):
        with countdown.counted(pack):
            pass
    assert capsys.readouterr().out.splitlines() == [
        "run 1 of 5",
        "run 2 of 5, 8 min left",
        "run 3 of 5, 8 min left",
        "runs 4 to 5 of 5, 7 min left",
    ]


def test_a_run_alone_is_not_counted(run: RunConfig, capsys: pytest.CaptureFixture[str]) -> None:
    with Countdown([run], set()).counted([run]):
        pass
    assert capsys.readouterr().out == ""
