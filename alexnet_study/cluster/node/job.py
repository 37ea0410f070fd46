"""What a SLURM job carries out: the runs of one job of a plan, or the report behind them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.cluster.node import child, notice
from alexnet_study.cluster.node.pool import FAILED, Launch, Pool
from alexnet_study.cluster.node.staging import staged
from alexnet_study.cluster.plans.job_plan import ABANDONED, JobPlan, PlannedRun, read_plan
from alexnet_study.cluster.plans.lives import Lives
from alexnet_study.runs.folder import RunFolder

REPORT = "report"
GPU_CHECK = "gpu-check"


def carry_out(folder: str, array: int, index: int) -> None:
    """Carry out job `index` of an array; leaves with the job's exit code where that is not 0.

    folder: the submission's. A job whose array was given up by a submitter does nothing: another has its runs.
    """
    plan = read_plan(Path(folder))
    if plan.own(array, own_array()) == ABANDONED:
        print(f"{plan.id}: array {array} was given up by its submitter; another job has its runs", file=sys.stderr)
        return
    planned = plan.arrays[array]
    if planned.reports:
        code = report(plan)
    else:
        code = train(plan, planned.jobs[index]) if planned.jobs[index] else check_gpu(plan)
    if code:
        sys.exit(code)


def train(plan: JobPlan, runs: Sequence[PlannedRun]) -> int:
    """Carry out the runs that are not finished; return 75 where one has to be started again, 1 where one failed.

    On a GPU those of a variant are one process, which trains as many side by side as the memory holds. A run that
    gained nothing in its last lives failed.
    """
    logs, lives = plan.results / plan.study / "logs", Lives(plan=plan, restart=restart_count())
    unfinished = [run for run in runs if not _folder(plan, run).is_finished()]
    in_vain = {run: reason for run in unfinished if (reason := lives.in_vain(run, own_job())) is not None}
    for run, reason in in_vain.items():
        with (logs / f"{run.name}-{own_job()}.err").open("a") as log:
            log.write(f"error: {reason}\n")
    groups = _together(plan, [run for run in unfinished if run not in in_vain])
    processes = {group[0]: group for group in groups}
    with staged(plan) as cache:
        launch = Launch(
            command=lambda run: train_command(plan, processes[run], cache),
            environment=lambda run, _: environment(plan, run.threads),
            logs=logs,
            job=own_job(),
        )
        for group in processes.values():
            launch.share_logs(group)
        pool = Pool(
            launch=launch,
            slots=1 if plan.profile.packs else plan.profile.side_by_side,
            on_change=lambda pool: lives.begin(run for first, _ in pool.living.values() for run in processes[first]),
        )
        code = pool.carry_out(processes)
    return code or (FAILED if in_vain else 0)


def _together(plan: JobPlan, runs: Sequence[PlannedRun]) -> list[list[PlannedRun]]:
    """Return the runs, those of one process together."""
    if not plan.profile.packs:
        return [[run] for run in runs]
    return [[run for run in runs if run.variant == variant] for variant in dict.fromkeys(run.variant for run in runs)]


def report(plan: JobPlan) -> int:
    """Report what is finished, and tell whom the profile names; return the report's exit code."""
    words = ["--study", str(plan.study_file), "--results", str(plan.results)]
    command = _command(plan, ["report", *words], name=REPORT, cache=None)
    code = child.carry_out(command, environment(plan, plan.profile.report.cpus))
    notice.tell(plan, code)
    return code


def check_gpu(plan: JobPlan) -> int:
    """Check this job's GPU, into a log; return the exit code."""
    log = check_log(plan, own_job())
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        command = _command(plan, [GPU_CHECK], name=GPU_CHECK, cache=None)
        return child.carry_out(command, environment(plan, plan.cpus), output)


def check_log(plan: JobPlan, job: str) -> Path:
    """Return the log of the job that checks a GPU."""
    return plan.results / GPU_CHECK / "logs" / f"{GPU_CHECK}-{job}.out"


def train_command(plan: JobPlan, runs: Sequence[PlannedRun], cache: Path | None) -> list[str]:
    """Return the command of one process: a run, or several of one variant."""
    seeds = ",".join(str(run.seed) for run in runs)
    words = ["--study", str(plan.study_file), "--variant", runs[0].variant, "--seed", seeds]
    words += ["--results", str(plan.results)]
    words += [] if cache is None else ["--cache", str(cache)]
    words += ["--device", plan.profile.device] if plan.profile.device else []
    words += ["--allow-inexact-resume"] if plan.profile.inexact_resume else []
    return _command(plan, ["train", *words], name=runs[0].name, cache=cache)


def _command(plan: JobPlan, words: list[str], *, name: str, cache: Path | None) -> list[str]:
    """Return how the plan's container runtime runs one of the package's commands; name tells it apart in this job."""
    setting = plan.setting(reports=name == REPORT, cache=cache)
    return plan.profile.runtime.run_command(words, name=f"{own_job()}-{name}", setting=setting)


def _folder(plan: JobPlan, run: PlannedRun) -> RunFolder:
    return RunFolder.at(plan.results, plan.study, run.variant, run.seed)


def environment(plan: JobPlan, threads: int) -> dict[str, str]:
    """Return what a run's process is told: its CPU threads, and the state of its code."""
    return {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)),
        "PYTHONUNBUFFERED": "1",
        **plan.environment,
    }


def own_array() -> str:
    """Return the id of the array that this job belongs to, or of the job itself."""
    return os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ["SLURM_JOB_ID"]


def own_job() -> str:
    """Return this job's id as squeue shows it, `12_3` in an array; without SLURM what names this process."""
    task = os.environ.get("SLURM_ARRAY_TASK_ID")
    plain = os.environ.get("SLURM_JOB_ID", f"process-{os.getpid()}")
    return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{task}" if task else plain


def restart_count() -> int:
    """Return how often SLURM started this job again."""
    count = os.environ.get("SLURM_RESTART_COUNT", "0")
    return int(count) if count.isdigit() else 0
