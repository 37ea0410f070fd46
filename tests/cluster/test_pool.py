"""Runs as child processes: a signal reaches all of them, whenever it comes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alexnet_study.cluster.node import pool
from alexnet_study.cluster.node.pool import Launch, Pool
from alexnet_study.cluster.plans.job_plan import PlannedRun
from alexnet_study.runs.interruption import SIGNALS, UNFINISHED

RUNS = [PlannedRun(variant="skip", seed=seed, threads=1) for seed in range(2)]
SECONDS = 30


def warned(number: int) -> dict[str, str]:
    """What a run's environment is, of a job that is signalled while it asks."""
    os.kill(os.getpid(), number)
    return {}


def carried_out(logs: Path, number: int | None) -> Pool:
    """A pool that carried its runs out, each of which takes long; `number` comes while the first is being started."""
    command = [sys.executable, "-c", f"import time; time.sleep({SECONDS})"]
    launch = Launch(
        command=lambda _: command,
        environment=lambda *_: {} if number is None else warned(number),
        logs=logs,
        job="12",
    )
    carried = Pool(launch=launch, slots=1)
    assert carried.carry_out(RUNS) == UNFINISHED
    return carried


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_comes_before_a_process_is_there_reaches_it(tmp_path: Path, number: int) -> None:
    assert carried_out(tmp_path, number).codes == {RUNS[0]: UNFINISHED}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_comes_before_a_process_is_known_reaches_it(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def slow(*words: Any, **how: Any) -> "subprocess.Popen[bytes]":
        process: subprocess.Popen[bytes] = start(*words, **how)
        os.kill(os.getpid(), number)
        return process

    monkeypatch.setattr(pool.subprocess, "Popen", slow)
    assert carried_out(tmp_path, None).codes == {RUNS[0]: UNFINISHED}
