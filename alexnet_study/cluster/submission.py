"""From a study and a profile to jobs: what is finished or on its way is left out, the rest is planned, then sent."""

import dataclasses
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alexnet_study.cluster import batch, local, slurm
from alexnet_study.cluster.freeze import freeze_code, freeze_study, refuse_changes, settled_source
from alexnet_study.cluster.live import Key, LiveJob, by_run, live_jobs, settle
from alexnet_study.cluster.lock import study_lock
from alexnet_study.cluster.plan import Plan, PlannedArray, arrays_of, local_array, new_id, read_plans, submissions
from alexnet_study.cluster.profiles import Profile
from alexnet_study.cluster.staging import prepared
from alexnet_study.data.sources import check_request
from alexnet_study.errors import DamagedRunError, RequestError, RunError
from alexnet_study.provenance import code_state
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import identity
from alexnet_study.study.study import Study


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for. study: as read from study_file, with the data and the seeds that are wanted.

    cwd: where the jobs work. only: the runs to send where not all that are unfinished are wanted.
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

    def runs(self) -> list[RunConfig]:
        """The runs that are wanted."""
        runs = self.study.runs(self.overrides)
        return [run for run in runs if self.only is None or (run.variant, run.seed) in self.only]

    @property
    def local(self) -> bool:
        """Whether no SLURM is wanted."""
        return self.profile.launcher == "local"


@dataclass(kw_only=True)
class Outcome:
    """What became of a request. sent: each array's name, its job id ("" in a dry run), its jobs and its runs."""

    plan: Plan | None = None
    finished: list[RunConfig] = field(default_factory=list)
    live: list[LiveJob] = field(default_factory=list)
    sent: list[tuple[PlannedArray, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def gpu_hours(self) -> float:
        """The most that the runs' jobs can use: their time limits, a GPU-hour for each GPU and hour."""
        if self.plan is None:
            return 0.0
        means = self.plan.means
        return sum(len(array.jobs) for array, _ in self.sent) * means.minutes / 60 * means.gpus


def submit(request: Request) -> Outcome:
    """Send what is neither finished nor on its way, and a report behind all live jobs; returns at once.

    RequestError where the request cannot be carried out, before anything is written or sent; RunError where SLURM
    fails half-way: starting again takes up what it has.
    """
    check_request(request.study.data)
    plan = _draft(request)
    if not request.allow_dirty:
        refuse_changes(code_state())
    if not request.local:
        slurm.require_clients()
        slurm.queue()  # no controller, no submission: before minutes go into the data
    content_hash = prepared(request.study.data, plan.cache)
    _refuse_others(request, content_hash)
    with study_lock(submissions(request.results, request.study.name)) as check:
        plans = read_plans(request.results, request.study.name)
        queue = [] if _needs_no_queue(request, plans) else slurm.queue()
        settle(plans, queue)
        outcome, wanted = _left_out(request, live_jobs(plans, queue))
        plan = _filled(plan, wanted, outcome)
        if plan.arrays:
            _freeze(plan, request)
            outcome.plan = plan
            _send(plan, outcome, check)
    return outcome


def dry_run(request: Request) -> Outcome:
    """What `submit` would send, with the exact batch scripts; writes nothing, and does without SLURM."""
    plan = _draft(request)
    plans = read_plans(request.results, request.study.name)
    notes = [] if request.allow_dirty or not code_state().dirty else ["changed tracked files: submit will refuse them"]
    try:
        check_request(request.study.data)
    except RequestError as error:  # the data may lie on the cluster alone, where the scripts are read but not sent
        notes.append(f"submit will refuse the data here: {error}")
    queue: list[slurm.QueuedJob] = []
    try:
        queue = [] if request.local else slurm.queue()
    except RunError as error:
        notes.append(f"the queue is not known: {error}")
    outcome, wanted = _left_out(request, live_jobs(plans, queue))
    plan = _filled(plan, wanted, outcome, most_jobs=None if queue else slurm.DEFAULT_MAX_ARRAY_SIZE)
    outcome.notes, outcome.plan = notes, plan
    for index, array in enumerate(plan.arrays):
        outcome.sent.append((array, ""))
        if not request.local:
            ids = [f"ID-OF-ARRAY-{earlier}" for earlier in range(index)]
            outcome.scripts.append(batch.script(plan, index, _behind(outcome, ids) if array.reports else ""))
    return outcome


def _draft(request: Request) -> Plan:
    """The plan without its arrays; RequestError where the profile or a path cannot work."""
    staged = request.profile.stage and request.cache is None
    home = submissions(request.results, request.study.name)
    plan = Plan(
        id=new_id(),
        created=time.time(),
        study=request.study.name,
        results=request.results,
        cwd=request.cwd,
        source=settled_source(request.study.data),
        cache=home / "data" if staged else request.cache,  # only what is this study's is copied to a node
        profile=request.profile.as_mapping(),
        cpus=request.profile.cpus_for(request.runs()),
        environment={}
        if request.profile.in_container.runtime
        else code_state().environment(),  # an image knows its own
    )
    if not request.local:
        batch.check_paths(plan)
    return plan


def _refuse_others(request: Request, content_hash: str) -> None:
    """RequestError where a run's folder belongs to another configuration, so that the run would refuse it."""
    for run in request.runs():
        RunFolder.of(request.results, run).refuse_other(identity(run, content_hash))


def _needs_no_queue(request: Request, plans: list[Plan]) -> bool:
    return request.local and all(plan.means.launcher == "local" for plan in plans)


def _left_out(request: Request, live: list[LiveJob]) -> tuple[Outcome, list[RunConfig]]:
    outcome = Outcome(live=live)
    on_their_way = by_run(live)
    wanted = []
    for run in request.runs():
        if _finished(request, run):
            outcome.finished.append(run)
        elif (run.variant, run.seed) not in on_their_way:
            wanted.append(run)
    return outcome, wanted


def _finished(request: Request, run: RunConfig) -> bool:
    try:
        return RunFolder.of(request.results, run).read_summary() is not None
    except DamagedRunError:
        return False


def _filled(plan: Plan, wanted: list[RunConfig], outcome: Outcome, most_jobs: int | None = None) -> Plan:
    """The plan with its arrays; without any where there is nothing to send, not even a report."""
    means = plan.means
    waits_for_report = [job for job in outcome.live if job.queued is not None]
    arrays: list[PlannedArray] = []
    if means.launcher == "local":
        arrays = [local_array(plan.study, plan.id, wanted)] if wanted else []
    elif wanted or (waits_for_report and not any(job.reports for job in waits_for_report)):
        bound = most_jobs or slurm.max_array_size()
        arrays = list(arrays_of(plan.study, plan.id, wanted, runs_per_job=means.runs_per_job, most_jobs=bound))
    return dataclasses.replace(plan, arrays=tuple(arrays))


def _freeze(plan: Plan, request: Request) -> None:
    """Write down all that the plan's jobs need; plan.json comes last and makes it a plan."""
    for path in plan.folder.parent.glob("*-*-*"):
        if path.is_dir() and not (path / "plan.json").exists():  # its submitter died before anything was sent
            shutil.rmtree(path)
    freeze_study(request.study_file, request.study, request.overrides, plan.study_file)
    if not plan.means.in_container.holds_code:
        freeze_code(plan.code)
    plan.write()


def _send(plan: Plan, outcome: Outcome, check: Callable[[], None]) -> None:
    """Send the arrays in order, the report's last and behind all live jobs; an older report that waits is dropped."""
    if plan.means.launcher == "local":
        check()
        local.start(plan)
        outcome.sent.append((plan.arrays[0], local.job_id(plan)))
        return
    for index, array in enumerate(plan.arrays):
        check()
        dependency = _behind(outcome, [job for _, job in outcome.sent]) if array.reports else ""
        try:
            job = _sent(plan, index, dependency)
        except (RequestError, RunError):
            if not outcome.sent:
                shutil.rmtree(plan.folder)
            raise
        plan.record_job(index, job)
        outcome.sent.append((array, job))
    slurm.cancel([job.id for job in outcome.live if job.reports and job.queued and job.queued.state == "PENDING"])


def _sent(plan: Plan, index: int, dependency: str) -> str:
    """The job id of an array; where sbatch fails, the queue tells whether SLURM has the job all the same."""
    try:
        return batch.send(plan, index, dependency)
    except RunError as error:
        settle([plan], slurm.queue())
        job = plan.job_of(index)
        if job is not None:
            return job
        raise RequestError(f"{error} (array {plan.arrays[index].name})") from None


def _behind(outcome: Outcome, sent: list[str]) -> str:
    """The dependency on every live job of the study, whether it will succeed or not."""
    earlier = [job.queued.array for job in outcome.live if job.queued is not None and not job.reports]
    return ":".join(["afterany", *dict.fromkeys([*earlier, *sent])])
