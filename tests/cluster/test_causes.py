"""Causes, from lines that SLURM's daemons really write."""

import pytest

from alexnet_study.cluster.status import causes
from alexnet_study.runs.interruption import TERMINATED, TIME_LIMIT, WARNED

CANCELLED = "slurmstepd-gpu1: error: *** JOB 1 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 ***\n"
REQUEUED = "slurmstepd-gpu1: error: *** STEP 8.0 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE TO JOB REQUEUE ***\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", None),
        ("Traceback: nothing that a daemon said", None),
        (CANCELLED, "cancelled"),
        (
            "slurmstepd: error: *** STEP 13.0 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT ***\n",
            "time limit",
        ),
        (
            "slurmstepd: error: *** JOB 13 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE TO NODE FAILURE, SEE SLURMCTLD "
            "LOG FOR DETAILS ***\n",
            "node failure",
        ),
        ("slurmstepd: error: *** JOB 13 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE TO PREEMPTION ***\n", "preempted"),
        (
            "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.0. Some of your processes may have been "
            "killed by the cgroup out-of-memory handler.\nsrun: error: gpu1: task 0: Out Of Memory\n" + CANCELLED,
            "out of memory",
        ),
        (
            CANCELLED + "slurmstepd: error: *** STEP 7.0 ON gpu1 FAILED (non-zero exit code or other failure mode) ***",
            "killed: its batch script",
        ),
        ("srun: error: gpu1: task 0: Killed\nsrun: Force Terminated StepId=6.0\n", "killed"),
        ("error: the container was killed: out of memory\n", "out of memory"),
        ("error: the container was killed\n", "killed"),
        (REQUEUED, None),
        (
            "slurmstepd: error: execve(): /study/.venv/bin/python: No such file or directory\n"
            "srun: error: gpu1: task 0: Exited with exit code 2\n",
            "cannot start /study/.venv/bin/python: No such file or directory",
        ),
        (
            "[2026-11-25T12:00:00.000] error: execve(): /study/.venv/bin/python: Permission denied\n",
            "cannot start /study/.venv/bin/python: Permission denied",
        ),
        (
            "/var/spool/slurmd/job00012/slurm_script: line 25: module: command not found\n",
            "batch script: line 25: module: command not found",
        ),
        (
            "/var/spool/slurmd/job00012/slurm_script: line 25: module: command not found\n"
            "error: setup ended the job with exit code 127 in: module load cuda\n",
            "setup ended the job with exit code 127 in: module load cuda (line 25: module: command not found)",
        ),
        (
            'FATAL:   "python": executable file not found in $PATH\n',
            'container: "python": executable file not found in $PATH',
        ),
        (
            "/usr/bin/python3: Error while finding module specification for 'submitit.core._submit' "
            "(ModuleNotFoundError: No module named 'submitit')\n",
            "No module named 'submitit'",
        ),
        (
            "error: setup ended the job with exit code 3 in: exit 3\n",
            "setup ended the job with exit code 3 in: exit 3",
        ),
        (
            "Lmod has detected the following error: unknown module\n"
            "error: setup ended the job with exit code 1 in: module load nothing\n" + CANCELLED,
            "setup ended the job with exit code 1 in: module load nothing "
            "(Lmod has detected the following error: unknown module)",
        ),
        (
            "error: setup ended the job with exit code 143 in: sleep 60\n" + CANCELLED,
            "cancelled",
        ),
        (
            "slurmstepd: error: *** JOB 3 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE to SIGNAL Terminated ***\n",
            "cancelled",
        ),
        (
            "[2026-01-02T03:04:05] slurmstepd: error: *** JOB 1 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 ***\n",
            "cancelled",
        ),
        (
            "[2026-01-02T03:04:05.000] gpu1: slurmstepd: error: *** STEP 3.0 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 "
            "DUE to SIGNAL Terminated ***\n",
            "cancelled",
        ),
        (
            "gpu1: [2026-01-02T03:04:05.000] error: *** STEP 3.0 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 "
            "DUE TO TIME LIMIT ***\n",
            "time limit",
        ),
        ("[2026-01-02T03:04:05.000] srun: error: gpu1: task 0: Out Of Memory\n", "out of memory"),
        (
            "gpu1: slurmstepd: error: execve(): python: No such file or directory\n",
            "cannot start python: No such file or directory",
        ),
        (
            "slurmstepd: error: *** STEP 3.0 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE to SIGNAL Terminated ***\n"
            "slurmstepd: error: *** JOB 3 ON gpu1 CANCELLED AT 2026-01-02T03:04:06 DUE TO PREEMPTION ***\n",
            "preempted",
        ),
        (REQUEUED + "srun: error: gpu1: task 0: Killed\n", "killed"),
    ],
)
def test_a_daemons_line_names_the_cause(text: str, cause: str | None) -> None:
    assert causes.from_lines(text) == cause


@pytest.mark.parametrize(
    ("state", "reason", "cause"),
    [
        ("TIMEOUT", "TimeLimit", "time limit"),
        ("OUT_OF_MEMORY", "", "out of memory"),
        ("NODE_FAIL", "NodeDown", "node failure"),
        ("CANCELLED", "None", "cancelled"),
        ("FAILED", "NonZeroExitCode", None),
        ("FAILED", "JobLaunchFailure", "failed: JobLaunchFailure"),
        ("COMPLETED", "None", None),
        ("", "", None),
    ],
)
def test_a_state_names_the_cause(state: str, reason: str, cause: str | None) -> None:
    assert causes.from_state(state, reason) == cause


@pytest.mark.parametrize(
    ("own", "settled"),
    [
        (TERMINATED, False),
        ("stopped", False),  # as older runs recorded SIGTERM
        ("ended without a word", False),
        (None, False),
        (TIME_LIMIT, True),
        (WARNED, True),
        ("time limit", True),  # as older runs recorded either
        ("RunError: training diverged", True),
    ],
)
def test_only_the_scheduler_knows_what_sigterm_meant(own: str | None, settled: bool) -> None:
    assert causes.settles(own) is settled
    assert ("time limit" in (own or "")) == (own in (TIME_LIMIT, WARNED, "time limit"))  # what retry looks for


def test_the_last_line_of_an_error_is_found() -> None:
    text = "Traceback (most recent call last):\n  raise\nOSError: [Errno 5] x\nmore\nValueError: no\nsrun: Killed\n"
    assert causes.last_error(text) == "ValueError: no"
    assert causes.last_error("note: x\nerror: --data x: no such folder\n") == "--data x: no such folder"
    assert causes.last_error("all is well\n") is None


def test_preemption_is_of_the_life_that_it_ended() -> None:
    first = "slurmstepd-gpu1: error: *** STEP 1.0 ON gpu1 CANCELLED AT 2026-11-25T17:27:58 ***\n"
    first += "returned to the queue: preempted\n"
    assert causes.from_lines(first) == "preempted"
    requeued = (
        f"{first}slurmstepd-gpu1: error: *** JOB 1 ON gpu1 CANCELLED AT 2026-11-25T17:42:08 DUE TO JOB REQUEUE ***\n"
    )
    assert causes.why_returned(requeued) == "preempted"
    assert causes.why_returned(f"{requeued}started again: life 1\n") is None
    assert causes.from_lines(f"{first}started again: life 1\n") is None
    assert causes.from_lines(f"{first}started again: life 1\ntask 0: Out Of Memory\n") == "out of memory"
