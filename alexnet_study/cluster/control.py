"""Cancel a study's jobs, and retry what failed."""

import time
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.cluster.launchers import table
from alexnet_study.cluster.launchers.launcher import SentJob
from alexnet_study.cluster.plans.job_plan import JobPlan, read_plans, submissions
from alexnet_study.cluster.plans.lock import study_lock
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.status import causes
from alexnet_study.cluster.status.study_status import RunStatus, study_status
from alexnet_study.cluster.submission import Request
from alexnet_study.cluster.wording import count
from alexnet_study.errors import RequestError, RunError
from alexnet_study.study.study import Study, load_study

PATIENCE_SECONDS = 20.0
ASK_SECONDS = 1.0


def cancel(study: Study, results: Path) -> list[SentJob]:
    """Cancel every job of the study that waits or runs, the report's too, and return them.

    Jobs of a submitter who died half-way are found and cancelled as well. Runs keep their checkpoints.
    """
    plans = _plans(study, results)
    with study_lock(submissions(results, study.name)):
        queues = table.queues(plans)
        table.settle(plans, queues)
        live = table.live_jobs(plans, queues)
        table.cancel(live)
        _wait_until_gone(plans, {job.id for job in live})
    return live


def _wait_until_gone(plans: list[JobPlan], jobs: set[str]) -> None:
    """Ask the queues until none of these jobs waits or runs; raise RunError if some still do after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := [job for job in table.live_jobs(plans, table.queues(plans)) if job.id in jobs and not _ends(job)]:
        if time.monotonic() > deadline:
            shown = ", ".join(f"{job.id} ({job.queued.state if job.queued else job.phase})" for job in left[:5])
            raise RunError(f"not cancelled: {count(len(left), 'job')}: {shown}; expected them to end: ask with squeue")
        time.sleep(ASK_SECONDS)


def _ends(job: SentJob) -> bool:
    return job.queued is not None and job.queued.state == "COMPLETING"


def release(study: Study, results: Path) -> tuple[list[SentJob], list[SentJob]]:
    """Release the study's held jobs; return those that were released, and those that only an administrator can."""
    plans = _plans(study, results)
    live = table.live_jobs(plans, table.queues(plans))
    held = [job for job in live if job.queued is not None and job.queued.held]
    released = table.release(held)
    return released, [job for job in held if job not in released]


def failed(study: Study, results: Path, cause: str = "") -> list[RunStatus]:
    """Return the runs that failed, of a cause that contains `cause` where one is given."""
    statuses, _ = study_status(study, results)
    return [run for run in statuses if run.state == "failed" and cause.lower() in (run.cause or "").lower()]


def retry_request(
    study: Study, results: Path, runs: Sequence[RunStatus], *, profile: Profile | None, allow_dirty: bool
) -> Request:
    """Return a request for these runs as the newest submission had them: its frozen study, its profile unless given.

    Nodes whose GPU was lost under one of these runs are avoided from now on.
    """
    newest = _plans(study, results)[-1]
    lost = [node for run in runs if (node := causes.lost_gpu(run.cause or "")) is not None]
    return Request(
        study_file=newest.study_file,
        study=load_study(newest.study_file),
        profile=table.avoiding(profile or newest.profile, list(dict.fromkeys(lost))),
        results=results,
        cwd=newest.cwd,
        cache=newest.cache,
        allow_dirty=allow_dirty,
        only=frozenset((run.variant, run.seed) for run in runs),
    )


def _plans(study: Study, results: Path) -> list[JobPlan]:
    plans = read_plans(results, study.name)
    if not plans:
        raise RequestError(f"{study.name}: nothing was submitted into {results}; expected a submitted study")
    return plans
