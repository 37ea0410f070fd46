"""Cancel a study's jobs, and retry what failed."""

from collections.abc import Iterable
from pathlib import Path

from alexnet_study.cluster import local, slurm
from alexnet_study.cluster.live import LiveJob, live_jobs, settle
from alexnet_study.cluster.lock import study_lock
from alexnet_study.cluster.plan import Plan, read_plans, submissions
from alexnet_study.cluster.profiles import Profile
from alexnet_study.cluster.status import RunStatus, study_status
from alexnet_study.cluster.submission import Request
from alexnet_study.errors import RequestError
from alexnet_study.study.study import Study, load_study


def cancel(study: Study, results: Path) -> list[LiveJob]:
    """Cancel every job of the study that waits or runs, the report's too; returns them.

    Jobs of a submitter who died half-way are found and cancelled as well. Runs keep their checkpoints.
    """
    plans = _plans(study, results)
    with study_lock(submissions(results, study.name)):
        queue = slurm.queue() if _uses_slurm(plans) else []
        settle(plans, queue)
        live = live_jobs(plans, queue)
        slurm.cancel([job.id for job in live if job.queued is not None])
        for plan in plans:
            if any(job.plan is plan and job.queued is None for job in live):
                local.cancel(plan)
    return live


def release(study: Study, results: Path) -> list[LiveJob]:
    """Release the study's held jobs; returns them."""
    plans = _plans(study, results)
    if not _uses_slurm(plans):
        return []
    held = [job for job in live_jobs(plans, slurm.queue()) if job.queued is not None and job.queued.held]
    slurm.release([job.id for job in held])
    return held


def failed(study: Study, results: Path, cause: str = "") -> list[RunStatus]:
    """The runs that failed, of a cause that contains `cause` where one is given."""
    statuses, _ = study_status(study, results)
    return [run for run in statuses if run.state == "failed" and cause.lower() in (run.cause or "").lower()]


def retry_request(
    study: Study, results: Path, runs: Iterable[RunStatus], *, profile: Profile | None, allow_dirty: bool
) -> Request:
    """A request for these runs as the newest submission had them: its frozen study, and its profile unless given."""
    newest = _plans(study, results)[-1]
    return Request(
        study_file=newest.study_file,
        study=load_study(newest.study_file),
        profile=profile or newest.means,
        results=results,
        cwd=newest.cwd,
        cache=newest.cache,
        allow_dirty=allow_dirty,
        only=frozenset((run.variant, run.seed) for run in runs),
    )


def _plans(study: Study, results: Path) -> list[Plan]:
    plans = read_plans(results, study.name)
    if not plans:
        raise RequestError(f"{study.name}: nothing was submitted into {results}; expected a submitted study")
    return plans


def _uses_slurm(plans: Iterable[Plan]) -> bool:
    return any(plan.means.launcher == "slurm" for plan in plans)
