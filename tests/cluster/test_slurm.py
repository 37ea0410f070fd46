"""Which entries of the queue are a plan's: by its recorded ids first, then by the comment."""

import dataclasses
from pathlib import Path

import pytest

from alexnet_study.cluster.launchers.launcher import QueuedJob
from alexnet_study.cluster.launchers.slurm import Slurm
from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.cluster.plans.profile import Profile
from tests.cluster.plans import plan_for


@pytest.fixture
def plan(study_file: Path, tmp_path: Path) -> JobPlan:
    """A plan of two arrays and a report, whose first array is on record as 12."""
    plan = plan_for(study_file, Profile(), results=tmp_path, seeds=2)
    plan.write()
    plan.record_job(0, "12")
    return plan


def queued(plan: JobPlan, job: str, *, array: int = 0, **changed: str) -> QueuedJob:
    """An entry as SLURM shows it of a job of the plan."""
    planned = plan.arrays[array]
    entry = QueuedJob(
        id=job,
        array=job.partition("_")[0],
        state="RUNNING",
        reason="None",
        node="gpu1",
        used="0:10",
        comment=planned.token,
        name=planned.name,
    )
    return dataclasses.replace(entry, **changed)


def phases(plan: JobPlan, *queue: QueuedJob) -> dict[str, str]:
    return {job.id: job.phase for job in Slurm().jobs(plan, queue)}


@pytest.mark.parametrize("comment", ["", "(null)", "site policy", "lab: tiny/20260102-030405-abcdef/0"])
def test_a_changed_comment_hides_no_job(plan: JobPlan, comment: str) -> None:
    assert phases(plan, queued(plan, "12_0", comment=comment)) == {"12_0": "running", "12_1": "ended"}


def test_the_comment_finds_a_job_that_nobody_recorded(plan: JobPlan) -> None:
    assert phases(plan, queued(plan, "13_1", array=1))["13_1"] == "running"


def test_a_number_that_slurm_gave_anew_is_not_the_plans(plan: JobPlan) -> None:
    assert phases(plan, queued(plan, "12_0", comment="x", name="somebody-else"))["12_0"] == "ended"
    assert phases(plan, queued(plan, "12_0", comment="tiny/20270102-030405-abcdef/0"))["12_0"] == "ended"


def test_an_array_shown_as_one_job_stands_for_all_its_tasks(plan: JobPlan) -> None:
    found = phases(plan, queued(plan, "12", state="PENDING"), queued(plan, "12_1"))
    assert found == {"12_0": "waiting", "12_1": "running"}


def test_a_job_that_an_administrator_holds_keeps_no_other_from_its_release(
    plan: JobPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scontrol").write_text('#!/bin/bash\n[ "$2" != 12_0 ] || { echo Access denied >&2; exit 1; }\n')
    (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    jobs = Slurm().jobs(plan, [queued(plan, "12_0", state="PENDING"), queued(plan, "12_1", state="PENDING")])
    assert [job.id for job in Slurm().release(jobs)] == ["12_1"]
