"""The supervisor of a local submission: at most one run on each GPU at a time, or several on the CPU; then the report.

Unfinished runs are started again. `launchers.local` starts it:
python -m alexnet_study.cluster.launchers.supervisor FOLDER
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from alexnet_study.cluster.launchers.local import STATE, job_id, lease
from alexnet_study.cluster.node import job
from alexnet_study.cluster.node.pool import Launch, Pool
from alexnet_study.cluster.plans.job_plan import ABANDONED, JobPlan, PlannedRun, read_plan
from alexnet_study.files import write_json


def supervise(folder: Path) -> int:
    """Carry out a plan's runs and then its report; end at once where the plan was given up."""
    plan = read_plan(folder)
    with lease(plan):
        if plan.own(0, job_id(plan)) == ABANDONED:
            return 0
        return _carry_out(plan)


def slots(plan: JobPlan) -> list[str]:
    """Return a slot for each run that may live at once: the GPU that it gets, or an empty text for the CPU."""
    most = plan.profile.parallelism
    gpus = [] if plan.profile.device == "cpu" else _gpus()
    if gpus:
        return gpus[: most or len(gpus)]
    threads = max(run.threads for run in plan.runs)
    return [""] * (most or max(1, len(os.sched_getaffinity(0)) // threads))


def _carry_out(plan: JobPlan) -> int:
    runs = plan.runs
    gpus = slots(plan)

    def environment(run: PlannedRun, slot: int) -> dict[str, str]:
        own = {"CUDA_VISIBLE_DEVICES": gpus[slot]} if gpus[slot] else {}
        return {**job.environment(plan, run.threads), **own}

    def say(pool: Pool) -> None:
        living = {run for run, _ in pool.living.values()}
        doing = {run: f"ended {code}" for run, code in pool.codes.items()}
        doing |= {run: "running" for run in living}
        rest = "cancelled" if pool.stopping else "waiting"
        state = [doing.get(run, rest) for run in runs]
        write_json(plan.folder / STATE, {"host": platform.node(), "pid": os.getpid(), "runs": state})

    launch = Launch(
        command=lambda run: job.train_command(plan, [run], plan.cache),
        environment=environment,
        logs=plan.results / plan.study / "logs",
        job=job_id(plan),
        bound=True,
    )
    pool = Pool(launch=launch, slots=len(gpus), restarts=plan.profile.max_requeues, on_change=say)
    code = pool.carry_out(runs)
    say(pool)  # where a signal came while no run lived, the last word is not said yet
    return code if pool.stopping else max(code, job.report(plan))


def _gpus() -> list[str]:
    """Return what CUDA_VISIBLE_DEVICES may name, a GPU an entry; none where there is no NVIDIA driver."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu and gpu != "-1"]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
