"""What a SLURM job carries out: the runs of one job of a plan, or the report behind them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.cluster import docker
from alexnet_study.cluster.plan import ABANDONED, Plan, PlannedRun, read_plan
from alexnet_study.cluster.pool import Launch, Pool
from alexnet_study.cluster.staging import staged
from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.folder import RunFolder

REPORT = "report"


def carry_out(folder: str, array: int, index: int) -> None:
    """Carry out job `index` of an array; leaves with the job's exit code where that is not 0.

    folder: the submission's. A job whose array was given up by a submitter does nothing: another has its runs.
    """
    plan = read_plan(Path(folder))
    if plan.claim(array, own_array()) == ABANDONED:
        print(f"{plan.id}: array {array} was given up by its submitter; another job has its runs", file=sys.stderr)
        return
    planned = plan.arrays[array]
    code = report(plan) if planned.reports else train(plan, planned.jobs[index])
    if code:
        sys.exit(code)


def train(plan: Plan, runs: Sequence[PlannedRun]) -> int:
    """The runs that are not finished; 75 where one has to be started again, 1 where one failed."""
    with staged(plan) as cache:
        launch = Launch(
            command=lambda run: train_command(plan, run, cache),
            environment=lambda run, _: environment(plan, run.threads),
            logs=plan.results / plan.study / "logs",
            job=own_job(),
        )
        pool = Pool(launch=launch, places=min(plan.means.side_by_side, len(runs)))
        return pool.carry_out(run for run in runs if not finished(plan, run))


def report(plan: Plan) -> int:
    """The report of what is finished."""
    words = ["--study", str(plan.study_file), "--results", str(plan.results)]
    return subprocess.run(
        _python(plan, ["report", *words], name=REPORT, cache=None),
        env={**os.environ, **environment(plan, plan.means.report_job.cpus)},
        check=False,
    ).returncode


def finished(plan: Plan, run: PlannedRun) -> bool:
    """Whether the run's folder holds a summary; a damaged one is for the run itself to judge."""
    try:
        return RunFolder(plan.results / plan.study / run.variant / f"seed-{run.seed}").read_summary() is not None
    except DamagedRunError:
        return False


def train_command(plan: Plan, run: PlannedRun, cache: Path | None) -> list[str]:
    """The command of one run."""
    words = ["--study", str(plan.study_file), "--variant", run.variant, "--seed", str(run.seed)]
    words += ["--results", str(plan.results)]
    words += [] if cache is None else ["--cache", str(cache)]
    words += ["--allow-inexact-resume"] if plan.means.inexact_resume else []
    return _python(plan, ["train", *words], name=run.name, cache=cache)


def _python(plan: Plan, words: list[str], *, name: str, cache: Path | None) -> list[str]:
    """The command that runs one of the package's commands: by this Python or a Docker container's.

    This Python is the container's where the job runs in one.

    name: what tells it apart from others in this job. Docker's has no more network or GPUs than the job was granted.
    """
    container = plan.means.in_container
    if container.runtime != "docker":
        return [sys.executable, "-m", "alexnet_study", *words]
    paths = dict.fromkeys([*plan.paths(), *([] if cache is None else [cache])])
    return docker.command(
        ["-m", "alexnet_study", *words],
        image=container.image,
        name=f"{own_job()}-{name}",
        workdir=str(plan.cwd),
        mounts=[f"{path}:{path}" for path in paths] + list(container.mounts),
        arguments=["--entrypoint=python", "--env=PYTHONSAFEPATH=1", *container.arguments],
        gpus=plan.means.gpus > 0 and name != REPORT,
    )


def environment(plan: Plan, threads: int) -> dict[str, str]:
    """What a run's process is told: its CPU threads, and the state of its code."""
    return {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)),
        "PYTHONUNBUFFERED": "1",
        **plan.environment,
    }


def own_array() -> str:
    """The id of the array that this job belongs to, or of the job itself."""
    return os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ["SLURM_JOB_ID"]


def own_job() -> str:
    """This job's id as squeue shows it: `12_3` in an array."""
    task = os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{task}" if task else os.environ["SLURM_JOB_ID"]
