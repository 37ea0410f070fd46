"""Jobs that the queue has forgotten, as it does MinJobAge after their end: what tells of them then."""

from pathlib import Path

import pytest

from alexnet_study.cluster.launchers.batch_script import job_log
from alexnet_study.cluster.plans.job_plan import JobPlan, read_plans
from alexnet_study.cluster.status.study_status import RunStatus, study_status
from alexnet_study.cluster.submission import Request, submit
from tests.cluster.pretended import PretendedSlurm

ACCOUNTED = """\
11_0|TIMEOUT
11_1|CANCELLED by 1000
11_2|OUT_OF_MEMORY
11_3|FAILED
"""  # sacct --noheader --parsable2 --allocations -o JobID,State
UNACCOUNTED = "echo 'Slurm accounting storage is disabled' >&2; exit 1"
LIMIT = "slurmstepd-gpu1: error: *** STEP 11.0 ON gpu1 CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT ***\n"


@pytest.fixture
def plan(slurm: PretendedSlurm, submission_request: Request) -> JobPlan:
    """A submission whose jobs have all ended and been forgotten; each began, and its job has a log."""
    submit(submission_request)
    slurm.end(*slurm.jobs)
    (plan,) = read_plans(submission_request.results, "tiny")
    for job in ("11_0", "11_1", "11_2", "11_3"):
        job_log(plan, job).write_text("")
    return plan


def sacct(slurm: PretendedSlurm, script: str) -> None:
    path = slurm.state.with_name("sacct")
    path.write_text(f'#!/bin/sh\necho "$@" >> {slurm.state.parent}/asked\n{script}\n')
    path.chmod(0o755)


def causes(request: Request) -> list[str | None]:
    """The causes of the baseline's runs, which are array 11."""
    runs: list[RunStatus] = study_status(request.study, request.results).runs
    assert {run.state for run in runs} == {"failed"}
    return [run.cause for run in runs if run.variant == "baseline"]


def test_the_accounting_tells_what_a_forgotten_job_ended_by(
    slurm: PretendedSlurm, submission_request: Request, plan: JobPlan
) -> None:
    (slurm.state.parent / "accounted").write_text(ACCOUNTED)
    sacct(slurm, f"cat {slurm.state.parent}/accounted")
    assert causes(submission_request) == ["time limit", "cancelled", "out of memory", "ended without a word"]
    asked = Path(slurm.state.parent / "asked").read_text()
    assert "11_0,11_1,11_2,11_3" in asked


def test_without_accounting_the_logs_tell(slurm: PretendedSlurm, submission_request: Request, plan: JobPlan) -> None:
    sacct(slurm, UNACCOUNTED)
    job_log(plan, "11_0").write_text(LIMIT)
    job_log(plan, "11_1").write_text("ValueError: no\n")
    job_log(plan, "11_3").unlink()
    assert causes(submission_request) == [
        "time limit",
        "ValueError: no",
        "ended without a word",
        "cancelled before it ran",
    ]
