"""Cancel a study's jobs, and retry what failed."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.cluster.launchers import table
from alexnet_study.cluster.launchers.launcher import SentJob
from alexnet_study.cluster.plans.job_plan import JobPlan, read_plans, submissions
from alexnet_study.cluster.plans.lock import refuse_others_folder, study_lock
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.status import causes
from alexnet_study.cluster.status.selection import EVERYTHING, Selection
from alexnet_study.cluster.status.study_status import RunStatus, selected, study_status, with_figures
from alexnet_study.cluster.submission import Request
from alexnet_study.errors import RequestError, RunError
from alexnet_study.study.study import Study, load_study
from alexnet_study.wording import count

PATIENCE_SECONDS = 20.0
ASK_SECONDS = 1.0


def cancel(study: Study, results: Path, selection: Selection = EVERYTHING) -> tuple[list[SentJob], list[SentJob]]:
    """Cancel every job of the study that waits or runs, the report's too, or those of the selected runs.

    Return the jobs that were cancelled, and those left because they have other runs too. Jobs of a submitter who died
    half-way are found and cancelled as well. Runs keep their checkpoints.
    """
    plans = _plans(study, results)
    with study_lock(submissions(results, study.name)):
        queues = table.queues(plans)
        table.settle(plans, queues)
        live, left = _selected(table.live_jobs(plans, queues), selection)
        refused = None
        try:
            table.cancel(live)
        except RunError as error:
            refused = str(error)
        _wait_until_gone(plans, {job.id for job in live}, refused)
    return live, left


def _selected(live: list[SentJob], selection: Selection) -> tuple[list[SentJob], list[SentJob]]:
    """Return the jobs whose runs are all selected, and those of which only some are."""
    if not selection:
        return live, []
    wanted: dict[str, list[bool]] = {}
    for job in live:
        wanted.setdefault(job.id, []).extend(selection.keeps(*key, job.phase) for key in job.runs)
    whole = [job for job in live if wanted[job.id] and all(wanted[job.id])]
    return whole, [job for job in live if any(wanted[job.id]) and not all(wanted[job.id])]


def _wait_until_gone(plans: list[JobPlan], jobs: set[str], refused: str | None) -> None:
    """Ask the queues until none of these jobs waits or runs; raise RunError if some still do after a while.

    refused: what SLURM said where it did not cancel all of them.
    """
    deadline, pause = time.monotonic() + (ASK_SECONDS if refused else PATIENCE_SECONDS), ASK_SECONDS
    while left := [job for job in table.live_jobs(plans, table.queues(plans)) if job.id in jobs and not _ends(job)]:
        if time.monotonic() > deadline:
            shown = ", ".join(f"{job.id} ({job.queued.state if job.queued else job.phase})" for job in left[:5])
            done = len(jobs) - len({job.id for job in left})
            raise RunError(
                f"cancelled {count(done, 'job')}, not cancelled {count(len(jobs) - done, 'job')}: {shown}: "
                f"{refused or 'expected them to end, ask with squeue'}"
            )
        time.sleep(pause)
        pause = min(2 * pause, 5 * ASK_SECONDS)  # the controller has others to serve


def _ends(job: SentJob) -> bool:
    return job.queued is not None and job.queued.state == "COMPLETING"


def release(study: Study, results: Path, selection: Selection = EVERYTHING) -> tuple[list[SentJob], list[SentJob]]:
    """Release the study's held jobs, or those of the selected runs; return which, and those that this user can't.

    Raise RequestError where the study is another user's.
    """
    plans = _plans(study, results)
    refuse_others_folder(submissions(results, study.name))
    live, _ = _selected(table.live_jobs(plans, table.queues(plans)), selection)
    held = [job for job in live if job.queued is not None and job.queued.held]
    released = table.release(held)
    return released, [job for job in held if job not in released]


def failed(study: Study, results: Path, cause: str = "", *, selection: Selection = EVERYTHING) -> list[RunStatus]:
    """Return the selected runs that failed or were cancelled, of a cause that contains `cause` where one is given."""
    return [
        run
        for run in selected(with_figures(study_status(study, results), study.name, results), selection).runs
        if run.cause is not None and cause.lower() in run.cause.lower()
    ]


def retry_requests(
    study: Study,
    results: Path,
    runs: Sequence[RunStatus],
    *,
    profile: Profile | None,
    minutes: int | None,
    allow_dirty: bool,
) -> tuple[list[Request], list[tuple[RunStatus, str]]]:
    """Return a request for each submission that was the last of some of these runs, and the runs that can't be sent.

    Each has that submission's frozen study, and its profile unless one is given; minutes: another time limit, for all
    variants. With a run that can't be sent comes why. Nodes whose GPU was lost under one of these runs are avoided from
    now on.
    """
    newest = {run.key: plan for plan in _plans(study, results) for run in plan.runs}
    nodes = [node for run in runs if (node := causes.lost_gpu(run.cause or "")) is not None]
    plans: dict[str, JobPlan] = {}
    grouped: dict[str, list[RunStatus]] = {}
    lost = []
    for run in runs:
        plan = newest.get((run.variant, run.seed))
        if plan is None:
            lost.append((run, "in no submission"))
        else:
            plans[plan.id] = plan
            grouped.setdefault(plan.id, []).append(run)
    requests = []
    for id_, own in grouped.items():
        chosen = table.avoiding(profile or plans[id_].profile, list(dict.fromkeys(nodes)))
        chosen = chosen if minutes is None else _limited(chosen, minutes)
        try:
            requests.append(_again(plans[id_], own, chosen, results, allow_dirty=allow_dirty))
        except RequestError as error:
            lost += [(run, str(error)) for run in own]
    return requests, lost


def _limited(profile: Profile, minutes: int) -> Profile:
    """Return the profile with this time limit, for its variants too."""
    variants = {name: dataclasses.replace(means, minutes=None) for name, means in profile.variants.items()}
    return dataclasses.replace(profile, minutes=minutes, variants=variants)


def plans_report(study: Study, results: Path) -> bool:
    """Return whether a submission had a job for the report, sent or not."""
    return bool(_with_report(_plans(study, results)))


def _with_report(plans: Sequence[JobPlan]) -> list[JobPlan]:
    return [plan for plan in plans if any(array.reports for array in plan.arrays)]


def report_request(study: Study, results: Path, *, profile: Profile | None, allow_dirty: bool) -> Request:
    """Return a request for the report alone, by the newest submission that had one; raise RequestError without one."""
    having = _with_report(_plans(study, results))
    if not having:
        raise RequestError(f"{study.name}: no submission has a job for the report; expected make report")
    plan = having[-1]
    request = _again(plan, [], profile or plan.profile, results, allow_dirty=allow_dirty)
    return dataclasses.replace(request, report=True)


def _again(plan: JobPlan, runs: list[RunStatus], profile: Profile, results: Path, *, allow_dirty: bool) -> Request:
    """Return a request for these runs as an earlier submission had them."""
    return Request(
        study_file=plan.study_file,
        study=load_study(plan.study_file),
        profile=profile,
        results=results,
        cwd=plan.cwd,
        cache=plan.cache,
        allow_dirty=allow_dirty,
        only=frozenset((run.variant, run.seed) for run in runs),
        verify=True,  # few runs, which seemed damaged or unfinished
    )


def _plans(study: Study, results: Path) -> list[JobPlan]:
    plans = read_plans(results, study.name)
    if not plans:
        raise RequestError(f"{study.name}: nothing was submitted into {results}; expected a submitted study")
    return plans
