"""Where each run of a study is; also without SLURM, or while it does not answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from alexnet_study.cluster.launchers import table
from alexnet_study.cluster.launchers.launcher import Key, SentJob
from alexnet_study.cluster.plans import notices
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedRun, read_plans
from alexnet_study.cluster.status.report_state import ReportState, is_made, report_state
from alexnet_study.cluster.status.run_facts import RunFacts, figures, read_facts
from alexnet_study.cluster.status.run_state import run_log, run_state
from alexnet_study.cluster.status.selection import Selection
from alexnet_study.cluster.status.usage import Usage, usage
from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.study import Study


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One line of the status. state: waiting, running, finished, failed, unknown or `not sent`.

    cause: of a failure, or of a cancellation before the start.
    hours: of all its lives, each from its job's start, those with a GPU and those without.
    """

    variant: str
    seed: int
    state: str
    detail: str
    cause: str | None = None
    log: Path | None = None
    gpu_hours: float = 0.0
    cpu_hours: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """The status of every run, in the study's order, of the report, and notes."""

    runs: list[RunStatus]
    report: ReportState
    notes: list[str]


def study_status(study: Study, results: Path) -> StudyStatus:
    """Return where every run of the study is, and its report; `with_figures` tells the finished runs' figures."""
    plans = read_plans(results, study.name)
    keys = [(run.variant, run.seed) for run in study.runs()] + [run.key for plan in plans for run in plan.runs]
    facts = {key: read_facts(_folder(results, study.name, key)) for key in dict.fromkeys(keys)}
    unfinished = {key for key, fact in facts.items() if not fact.finished}
    queues, notes = _queues(plans, unfinished, results)
    sent = table.jobs(plans, queues)
    jobs = table.by_run(sent)
    ended = [key for key, job in jobs.items() if key in unfinished and job.phase == "ended"]
    # Asking takes seconds, in which a run may have finished and its job ended.
    facts |= {key: read_facts(_folder(results, study.name, key)) for key in ended}
    forgotten = [jobs[key] for key in ended if jobs[key].queued is None and not facts[key].finished]
    accounts = table.accounts(forgotten)
    used = usage({key: fact.attempts for key, fact in facts.items()})
    return StudyStatus(
        runs=[_status(key, fact, jobs.get(key), accounts, used[key]) for key, fact in facts.items()],
        report=report_state(results, study.name, sent),
        notes=[*notes, *notices.untold(results, study.name)],
    )


def selected(status: StudyStatus, selection: Selection) -> StudyStatus:
    """Return the status of the selected runs alone."""
    runs = [run for run in status.runs if selection.keeps(run.variant, run.seed, run.state)]
    return replace(status, runs=runs)


def with_figures(status: StudyStatus, study: str, results: Path) -> StudyStatus:
    """Return the status with the figures of its finished runs; one whose summary is damaged failed."""
    return replace(status, runs=[_with_figures(run, study, results) for run in status.runs])


def _with_figures(run: RunStatus, study: str, results: Path) -> RunStatus:
    if run.state != "finished":
        return run
    try:
        return replace(run, detail=figures(_folder(results, study, (run.variant, run.seed))))
    except DamagedRunError as error:
        return replace(run, state="failed", detail=str(error), cause=str(error))


def _folder(results: Path, study: str, key: Key) -> Path:
    return RunFolder.at(results, study, *key).path


def _queues(plans: list[JobPlan], unfinished: set[Key], results: Path) -> tuple[table.Queues, list[str]]:
    """Return the queues, each asked only if an unfinished run or the report may be in it, and notes on the unknown."""
    asked = [
        plan
        for plan in plans
        if not unfinished.isdisjoint(run.key for run in plan.runs)
        or (any(array.reports for array in plan.arrays) and not is_made(results, plan))
    ]
    known, silent = table.known_queues(asked)
    unasked: table.Queues = {table.launcher_of(plan): () for plan in plans}
    return {**unasked, **known}, [f"the queue is not known, so states are the runs' own: {error}" for error in silent]


def _status(key: Key, facts: RunFacts, job: SentJob | None, accounts: Mapping[str, str], used: Usage) -> RunStatus:
    name = PlannedRun(variant=key[0], seed=key[1], threads=1).name
    state = run_state(name, facts, job, accounts)
    return RunStatus(
        variant=key[0],
        seed=key[1],
        state=state.name,
        detail=state.detail,
        cause=state.cause,
        log=run_log(job, name, failed=state.name == "failed") if job is not None and state.name != "waiting" else None,
        gpu_hours=used.gpu,
        cpu_hours=used.cpu,
    )
