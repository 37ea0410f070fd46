"""From a study and a profile to jobs: what is finished or on its way is left out, the rest is planned, then sent."""

import dataclasses
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alexnet_study.cluster.launchers import table
from alexnet_study.cluster.launchers.launcher import Key, SentJob
from alexnet_study.cluster.launchers.table import launcher_of
from alexnet_study.cluster.node.staging import PreparedData, prepared
from alexnet_study.cluster.plans.freeze import freeze_code, freeze_study, refuse_changes, settled_source
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedArray, new_id, read_plans, submissions
from alexnet_study.cluster.plans.lock import study_lock
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.data.sources import check_request
from alexnet_study.errors import RequestError, RunError
from alexnet_study.provenance import code_state
from alexnet_study.runs.folder import ARRAY_FILES, RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import identity
from alexnet_study.study.study import Study


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for. study: as read from study_file, with the data and the seeds that are wanted.

    cwd: where the jobs work. only: the runs to send where not all that are unfinished are wanted. report: whether the
    report is wanted though no run is left. verify: whether finished runs are read whole, so that any damage is seen.
    examine: looks at the data before anything is sent; its notes are told.
    """

    study_file: Path
    study: Study
    profile: Profile
    results: Path
    cwd: Path
    cache: Path | None = None
    overrides: tuple[str, ...] = ()
    allow_dirty: bool = False
    only: frozenset[Key] | None = None
    report: bool = False
    verify: bool = False
    examine: Callable[[PreparedData], list[str]] = lambda data: []

    def runs(self) -> list[RunConfig]:
        """Return the runs that are wanted."""
        runs = self.study.runs(self.overrides)
        return [run for run in runs if self.only is None or (run.variant, run.seed) in self.only]

    def is_finished(self, run: RunConfig) -> bool:
        """Return whether a run is finished with the arrays that the study keeps."""
        folder = RunFolder.of(self.results, run)
        kept = [name for name in ARRAY_FILES if Path(name).stem in self.study.keep]
        return folder.is_finished() if self.verify else folder.looks_finished(kept)


@dataclass(kw_only=True)
class Outcome:
    """What became of a request. sent: each array with its job id ("" in a dry run).

    later: runs that the profile's max_jobs leaves for the next call. refused: why the rest could not be sent.
    """

    plan: JobPlan
    finished: list[RunConfig] = field(default_factory=list)
    live: list[SentJob] = field(default_factory=list)
    later: list[RunConfig] = field(default_factory=list)
    refused: str | None = None
    sent: list[tuple[PlannedArray, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def submit(request: Request) -> Outcome:
    """Send what is neither finished nor on its way, and a report behind all live jobs; return at once.

    Raise RequestError where the request cannot be carried out, or SLURM takes none of it: nothing is sent then. What it
    refuses half-way is in the outcome; starting again takes up what it has.
    """
    check_request(request.study.data)
    plan = _draft(request)
    if not request.allow_dirty:
        refuse_changes(code_state())
    plan.profile.runtime.check_image(plan.setting(reports=False))
    launcher_of(plan).check_reachable()  # no controller, no submission: before minutes go into the data
    data = prepared(request.study.data, plan.cache)
    notes = request.examine(data)
    _refuse_others(request, data)
    with study_lock(submissions(request.results, request.study.name)) as check:
        plans = read_plans(request.results, request.study.name)
        queues = table.queues([*plans, plan])
        table.settle(plans, queues)
        outcome = _filled(request, plan, table.live_jobs(plans, queues), ask=True)
        if outcome.plan.arrays:
            _freeze(outcome.plan, request)
            _send(outcome, check)
    outcome.notes += notes
    return outcome


def dry_run(request: Request) -> Outcome:
    """Return what `submit` would send, with the exact batch scripts; write nothing, and do without SLURM."""
    plan = _draft(request)
    plans = read_plans(request.results, request.study.name)
    notes = []
    try:
        if not request.allow_dirty:
            refuse_changes(code_state())
    except RequestError as error:
        notes.append(f"submit will refuse this checkout: {error}")
    try:
        check_request(request.study.data)
    except RequestError as error:  # the data may lie on the cluster alone, where the scripts are read but not sent
        notes.append(f"submit will refuse the data here: {error}")
    queues, silent = table.known_queues([*plans, plan])
    notes += [f"the queue is not known: {error}" for error in silent]
    outcome = _filled(request, plan, table.live_jobs(plans, queues), ask=not silent)
    outcome.notes = notes
    for index, array in enumerate(outcome.plan.arrays):
        outcome.sent.append((array, ""))
        behind = _behind(outcome, [f"ID-OF-ARRAY-{earlier}" for earlier in range(index)]) if array.reports else []
        script = launcher_of(plan).script(outcome.plan, index, behind)
        outcome.scripts += [] if script is None else [script]
    return outcome


def _draft(request: Request) -> JobPlan:
    """Return the plan without its arrays; raise RequestError where the profile or a path cannot work."""
    staged = request.profile.stage and request.cache is None
    home = submissions(request.results, request.study.name)
    profile = table.completed(request.profile)
    profile.check_variants(request.study.variants)
    plan = JobPlan(
        id=new_id(),
        created=time.time(),
        study=request.study.name,
        results=request.results,
        cwd=request.cwd,
        source=settled_source(request.study.data),
        cache=home / "data" if staged else request.cache,  # only what is this study's is copied to a node
        profile=profile,
        cpus=profile.cpus_for(request.runs() or request.study.runs(request.overrides)),
        environment={} if request.profile.runtime.holds_runs else code_state().environment(),  # an image knows its own
    )
    launcher_of(plan).check_plan(plan)
    return plan


def _refuse_others(request: Request, data: PreparedData) -> None:
    """Raise RequestError where a run's folder belongs to another configuration, so that the run would refuse it."""
    for run in request.runs():
        own = identity(run.on_data(data.normalisation), data.content_hash)
        RunFolder.of(request.results, run).refuse_other(own)


def _filled(request: Request, plan: JobPlan, live: list[SentJob], *, ask: bool) -> Outcome:
    """Return the plan with its arrays, none where there is nothing to send, and what was left out."""
    on_their_way = table.by_run(live)
    finished, wanted = [], []
    for run in request.runs():
        if request.is_finished(run):
            finished.append(run)
        elif (run.variant, run.seed) not in on_their_way:
            wanted.append(run)
    arrays = launcher_of(plan).arrays(plan, wanted, live, ask=ask, report=request.report)
    plan = dataclasses.replace(plan, arrays=arrays)
    planned = {run.key for run in plan.runs}
    later = [run for run in wanted if (run.variant, run.seed) not in planned]
    return Outcome(plan=plan, finished=finished, live=live, later=later)


def _freeze(plan: JobPlan, request: Request) -> None:
    """Write down all that the plan's jobs need; plan.json comes last and makes it a plan."""
    for path in plan.folder.parent.glob("*-*-*"):
        if path.is_dir() and not (path / "plan.json").exists():  # its submitter died before anything was sent
            shutil.rmtree(path)
    freeze_study(request.study_file, request.study, request.overrides, plan.study_file)
    if not plan.profile.runtime.holds_job:
        freeze_code(plan.code)
    plan.write()


def _send(outcome: Outcome, check: Callable[[], None]) -> None:
    """Send the arrays in order, the report's last and behind all live jobs; an older report that waits is dropped.

    Where SLURM refuses an array, those after it are left too, but not the report of what was sent.
    """
    plan = outcome.plan
    for index, array in enumerate(plan.arrays):
        if outcome.refused is not None and not array.reports:
            continue
        check()
        behind = _behind(outcome, [job for _, job in outcome.sent]) if array.reports else []
        try:
            job = launcher_of(plan).send(plan, index, behind)
        except RequestError as error:
            if not outcome.sent:
                shutil.rmtree(plan.folder)
                raise
            outcome.refused = outcome.refused or str(error)
            continue
        except RunError as error:  # nobody can tell whether SLURM has it: the next call asks
            if not outcome.sent:
                raise
            outcome.refused = str(error)
            return
        plan.record_job(index, job)
        outcome.sent.append((array, job))
    if outcome.sent and outcome.sent[-1][0].reports:
        older = [job for job in outcome.live if job.reports and job.queued and job.queued.state == "PENDING"]
        try:
            table.cancel(older)
        except RunError as error:  # another user's: it reports once more, and earlier
            outcome.notes.append(f"an older report's job stays, {', '.join(job.id for job in older)}: {error}")


def _behind(outcome: Outcome, sent: list[str]) -> list[str]:
    """Return the ids of all arrays of the study that the report waits for."""
    earlier = [job.queued.array for job in outcome.live if job.queued is not None and not job.reports]
    return list(dict.fromkeys([*earlier, *sent]))
