"""The report's job, as a line of the status, and made again."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from alexnet_study.cluster.control import report_request
from alexnet_study.cluster.launchers import local
from alexnet_study.cluster.launchers.batch_script import job_log
from alexnet_study.cluster.plans.job_plan import read_plans
from alexnet_study.cluster.printing import status_lines
from alexnet_study.cluster.status.report_state import ReportState
from alexnet_study.cluster.status.study_status import study_status
from alexnet_study.cluster.submission import Request, submit
from alexnet_study.commands import retry
from alexnet_study.errors import RequestError
from alexnet_study.runs.folder import RunFolder
from tests.cluster.plans import local_plan_for, supervised
from tests.cluster.pretended import PretendedSlurm


def last_lines(request: Request) -> list[str]:
    return status_lines(study_status(request.study, request.results))[-2:]


def test_the_reports_job_is_a_line(
    slurm: PretendedSlurm, submission_request: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert last_lines(submission_request)[0].split() == ["report", "not", "sent"]
    submit(submission_request)
    assert last_lines(submission_request)[0].split("  ")[0] == "report"
    assert "waiting" in last_lines(submission_request)[0]
    monkeypatch.setattr(RunFolder, "is_finished", lambda *_, **__: True)
    slurm.end(*slurm.jobs)
    (plan,) = read_plans(submission_request.results, "tiny")
    log = job_log(plan, str(plan.job_of(2)))
    log.write_text("Traceback\nValueError: Key backend: 'nonsense' is not a valid value\n")
    assert "failed" in last_lines(submission_request)[0]
    assert "ValueError: Key backend" in last_lines(submission_request)[0]
    request = report_request(submission_request.study, submission_request.results, profile=None, allow_dirty=True)
    sent = submit(request).sent
    assert [array.name for array, _ in sent] == ["tiny-report"]
    page = submission_request.results / "tiny/report/index.html"
    page.parent.mkdir()
    page.write_text("made")
    slurm.end(*slurm.jobs)
    assert "made" in last_lines(submission_request)[0]


def test_a_report_that_waits_behind_finished_runs_is_asked_for(
    slurm: PretendedSlurm, submission_request: Request, all_finished: None
) -> None:
    assert "waiting" in last_lines(submission_request)[0]


@pytest.fixture
def all_finished(slurm: PretendedSlurm, submission_request: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study whose runs are all finished, while the report's job still waits."""
    submit(submission_request)
    slurm.end(*[job for job, name in slurm.jobs.items() if name != "tiny-report"])
    monkeypatch.setattr(RunFolder, "read_summary", lambda *_, **__: SimpleNamespace(evaluations={}))


def test_a_supervisors_report_is_made_if_it_came_after_the_runs_were_sent(
    submission_request: Request, study_file: Path
) -> None:
    def report() -> ReportState:
        return study_status(submission_request.study, submission_request.results).report

    page = submission_request.results / "tiny/report/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("an earlier one")
    assert report().name == "made"
    plan = local_plan_for(study_file, submission_request.results)
    os.utime(page, (plan.created - 1, plan.created - 1))
    with local.lease(plan):
        supervised(plan, "ended 0", "running")
        assert report().name == "waiting"
        supervised(plan, "ended 0", "ended 0")
        assert report().name == "running"
    log = plan.folder / "supervisor.log"
    log.write_text("error: no space left\n")
    assert report() == ReportState(name="failed", detail="no space left", log=log)
    with pytest.raises(RequestError, match="no submission has a job for the report; expected make report"):
        report_request(submission_request.study, submission_request.results, profile=None, allow_dirty=True)
    page.write_text("made")
    assert report() == ReportState(name="made", detail=str(page))


def test_a_report_that_slurm_refused_is_sent_by_retry_when_all_runs_are_finished(
    slurm: PretendedSlurm, submission_request: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm.refuse("tiny-report")
    submit(submission_request)
    slurm.refuse()
    monkeypatch.setattr(RunFolder, "is_finished", lambda *_, **__: True)
    slurm.end(*slurm.jobs)
    assert last_lines(submission_request)[0].split() == ["report", "not", "sent"]
    words = ["--study", str(submission_request.study_file), "--results", str(submission_request.results)]
    assert retry.main("retry", [*words, "--allow-dirty"]) == 0
    assert list(slurm.jobs.values()) == ["tiny-report"]
