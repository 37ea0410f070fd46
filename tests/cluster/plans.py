"""Submission plans of a small study, for tests."""

import dataclasses
import os
import platform
import time
from pathlib import Path

from alexnet_study.cluster.launchers.local import STATE, job_id
from alexnet_study.cluster.plans.job_plan import JobPlan, arrays_of, local_array
from alexnet_study.cluster.plans.profile import Profile, ReportJob
from alexnet_study.files import write_json
from alexnet_study.study.study import load_study

EVERYTHING = Profile(
    partition="gpu,long",
    account="lab_42",
    qos="high",
    minutes=30,
    gres="gpu:h100:1",
    cpus=8,
    memory_gb=6.5,
    constraint="(a100|h100)&nvlink",
    exclude="node[3-4]",
    parallelism=2,
    runs_per_job=2,
    side_by_side=2,
    warning_seconds=120,
    max_requeues=3,
    setup=("module load cuda", 'echo "on $(hostname)"'),
    report=ReportJob(partition="cpu", minutes=5, cpus=2, memory_gb=1),
)


def plan_for(study_file: Path, profile: Profile, *, results: Path = Path("/study/results"), seeds: int = 4) -> JobPlan:
    study = dataclasses.replace(load_study(study_file), seeds=tuple(range(seeds)))
    runs = study.runs()
    arrays = arrays_of(study.name, "20260102-030405-abcdef", runs, runs_per_job=profile.runs_per_job, most_jobs=1001)
    return JobPlan(
        id="20260102-030405-abcdef",
        created=0.0,
        study=study.name,
        results=results,
        cwd=Path("/study"),
        source="/data/images",
        cache=None,
        profile=profile,
        cpus=profile.cpus_for(runs),
        environment={},
        arrays=tuple(arrays),
    )


def local_plan_for(study_file: Path, results: Path) -> JobPlan:
    """A plan of two runs that a supervisor on this machine has."""
    plan = plan_for(study_file, Profile(launcher="local"), results=results, seeds=1)
    array = local_array(plan.study, plan.id, dataclasses.replace(load_study(study_file), seeds=(0,)).runs())
    plan = dataclasses.replace(plan, created=time.time(), arrays=(array,))
    plan.write()
    plan.own(0, job_id(plan))
    return plan


def supervised(plan: JobPlan, *doing: str) -> None:
    """Let the plan's supervisor say what its runs do."""
    write_json(plan.folder / STATE, {"host": platform.node(), "pid": os.getpid(), "runs": list(doing)})
