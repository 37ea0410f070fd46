"""Where a study's report is: waiting behind the runs, being made, failed and why, or made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.cluster.launchers.launcher import SentJob
from alexnet_study.cluster.launchers.table import launcher_of
from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.cluster.status import causes
from alexnet_study.cluster.status.waiting import why_waiting


@dataclass(frozen=True, kw_only=True)
class ReportState:
    """name: `not sent`, waiting, running, made, failed or unknown. detail: in words, of a failure its cause."""

    name: str
    detail: str = ""
    log: Path | None = None


def page(results: Path, study: str) -> Path:
    """Return the report's page."""
    return results / study / "report" / "index.html"


def is_made(results: Path, plan: JobPlan) -> bool:
    """Return whether the report was made since the plan was."""
    path = page(results, plan.study)
    return path.exists() and path.stat().st_mtime >= plan.created


def report_state(results: Path, study: str, jobs: Iterable[SentJob]) -> ReportState:
    """Return the state of the study's report, by the newest job that was to make it, or what was to without one."""
    sent = list(jobs)
    made = ReportState(name="made", detail=str(page(results, study)))
    if not sent:
        return made if page(results, study).exists() else ReportState(name="not sent")
    newest = sent[-1].plan
    log = launcher_of(newest).report_log(newest)
    job = next((job for job in reversed(sent) if job.reports), None)
    if log is not None:
        missing = _without_job(results, sent, log)
    elif job is not None:
        missing = _of_job(results, job)
    else:
        missing = None if is_made(results, newest) else ReportState(name="not sent")
    return missing or made


def _of_job(results: Path, job: SentJob) -> ReportState | None:
    """Return where the report is that a job makes; None where it is made."""
    if job.phase == "waiting":
        minutes = job.plan.profile.report.minutes
        return ReportState(name="waiting", detail=why_waiting(job.queued, minutes=minutes) if job.queued else "")
    log = launcher_of(job.plan).log(job)
    if job.phase == "running":
        return ReportState(name="running", log=log)
    if is_made(results, job.plan):
        return None
    if job.phase == "unknown":
        return ReportState(name="unknown", detail=f"job {job.id}", log=log)
    return ReportState(name="failed", detail=_cause(job, "" if log is None else causes.tail(log)), log=log)


def _without_job(results: Path, sent: Sequence[SentJob], log: Path) -> ReportState | None:
    """Return where the report is that no job makes, behind the newest of what was sent; None where it is made."""
    plan = sent[-1].plan
    if not is_made(results, plan):
        if any(job.live for job in sent):
            return ReportState(name="waiting")
        if launcher_of(plan).is_at_work(plan):
            return ReportState(name="running", log=log)
    if is_made(results, plan):  # asked again: it may have come as the last act of what makes it
        return None
    return ReportState(
        name="failed", detail=causes.last_error(causes.tail(log)) or causes.ENDED_WITHOUT_A_WORD, log=log
    )


def _cause(job: SentJob, said: str) -> str:
    queued = job.queued
    candidates = (
        causes.from_lines(said),
        causes.from_state(queued.state, queued.reason) if queued is not None else None,
        causes.last_error(said),
    )
    return next((cause for cause in candidates if cause), causes.ENDED_WITHOUT_A_WORD)
