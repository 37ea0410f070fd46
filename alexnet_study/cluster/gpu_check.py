"""The check of a GPU as a job: a plan of one job that has no runs, with the means of a profile's runs."""

import dataclasses
import time
from pathlib import Path

from alexnet_study.cluster.launchers import table
from alexnet_study.cluster.launchers.table import launcher_of
from alexnet_study.cluster.node.job import GPU_CHECK, check_log
from alexnet_study.cluster.plans.freeze import freeze_code, refuse_changes
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedArray, new_id
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError
from alexnet_study.provenance import code_state

MINUTES = 10  # half a minute of work, and the start of a container
CPUS = 2


def draft(profile: Profile, *, results: Path, cwd: Path) -> JobPlan:
    """Return the plan; raise RequestError where the profile sends no job, or one without a GPU."""
    completed = table.completed(profile)
    means = dataclasses.replace(
        completed, minutes=MINUTES, warning_seconds=0, max_requeues=0, stage=False, cpus=completed.cpus or CPUS
    )
    id_ = new_id()
    plan = JobPlan(
        id=id_,
        created=time.time(),
        study=GPU_CHECK,
        results=results,
        cwd=cwd,
        source="",
        cache=None,
        profile=means,
        cpus=means.cpus,
        environment={} if means.runtime.holds_runs else code_state().environment(),
        arrays=(PlannedArray(token=f"{GPU_CHECK}/{id_}/0", name=GPU_CHECK, jobs=((),)),),
    )
    if launcher_of(plan).script(plan, 0, ()) is None:
        raise RequestError(f"launcher {profile.launcher} sends no job; expected no profile, which checks this machine")
    if not means.gpus:
        raise RequestError('gres: "" asks for no GPU; expected a profile whose jobs have one, such as gres: gpu:1')
    launcher_of(plan).check_plan(plan)
    return plan


def script(plan: JobPlan) -> str:
    """Return the exact batch script."""
    return launcher_of(plan).script(plan, 0, ()) or ""


def send(plan: JobPlan, *, allow_dirty: bool) -> str:
    """Send the job and return its id; return at once."""
    if not allow_dirty:
        refuse_changes(code_state())
    plan.profile.runtime.check_image(plan.setting(reports=False))
    launcher_of(plan).check_reachable()
    plan.folder.mkdir(parents=True)
    if not plan.profile.runtime.holds_job:
        freeze_code(plan.code)
    plan.write()
    job = launcher_of(plan).send(plan, 0, ())
    plan.record_job(0, job)
    return job


def log(plan: JobPlan, job: str) -> Path:
    """Return the file that the lines of the job come to."""
    return check_log(plan, job)
