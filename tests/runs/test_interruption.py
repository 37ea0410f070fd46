"""Signals: noted, raised or obeyed at once, as the work allows; and what they mean."""

import os
import signal
import subprocess
import sys

import pytest

from alexnet_study.errors import StoppedError
from alexnet_study.runs.interruption import END_WITH_INPUT, UNFINISHED, Interruption, cause_of


def test_a_deferred_signal_is_only_noted(installed: Interruption) -> None:
    with installed.deferred():
        installed.check()
        os.kill(os.getpid(), signal.SIGUSR2)
        assert installed.cause == "the time limit's warning came (SIGUSR2)"
        os.kill(os.getpid(), signal.SIGTERM)
        assert installed.cause == "the time limit's warning came (SIGUSR2)"  # the first says why
        with pytest.raises(StoppedError, match="time limit"):
            installed.check()


def test_a_signal_interrupts_work_that_may_be_dropped(installed: Interruption) -> None:
    with installed.raising():
        with installed.deferred():
            pass
        with pytest.raises(StoppedError, match="the scheduler or a user ended it"):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # another does not interrupt the ending
    with pytest.raises(StoppedError), installed.raising():
        raise AssertionError("a noted signal lets no work begin")


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM, signal.SIGINT])
def test_before_any_work_a_signal_ends_the_process_at_once(number: int) -> None:
    program = "import os, sys; from alexnet_study.runs.interruption import Interruption; Interruption().install(); "
    program += f"os.kill(os.getpid(), {number})"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == UNFINISHED == 75
    assert ended.stderr == f"error: stopped before the run began: {cause_of(number, 0)}; start it again\n"


def test_a_cause_is_named_as_far_as_the_job_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    assert cause_of(signal.SIGTERM, 1000) == "the scheduler or a user ended it (SIGTERM)"
    monkeypatch.setenv("SLURM_JOB_END_TIME", "2000")
    assert cause_of(signal.SIGUSR2, 1000) == "the time limit's warning came (SIGUSR2)"
    assert cause_of(signal.SIGTERM, 1000) == "the scheduler or a user ended it (SIGTERM)"
    assert cause_of(signal.SIGTERM, 1950) == "the time limit came (SIGTERM)"


def test_a_process_bound_to_its_input_ends_when_that_closes() -> None:
    program = (
        "import time; from alexnet_study.runs.interruption import Interruption as I; I().install(); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, env=os.environ | {END_WITH_INPUT: "1"}
    )
    assert process.stdin is not None
    process.stdin.write(b"anything")
    process.stdin.close()
    assert process.wait() == UNFINISHED
