"""Runs on this machine, without SLURM: a supervisor in the background, which status and cancel know.

At most one run on each GPU at a time, or so many on the CPU as the profile says. Unfinished runs are started again.

python -m alexnet_study.cluster.local FOLDER is the supervisor of a submission's folder; `start` starts it.
"""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from filelock import SoftFileLease, Timeout

from alexnet_study.cluster import job
from alexnet_study.cluster.plan import ABANDONED, Plan, PlannedRun, read_plan
from alexnet_study.cluster.pool import Launch, Pool
from alexnet_study.errors import RequestError, RunError
from alexnet_study.files import write_json

LEASE_SECONDS = 60.0
SILENCE_SECONDS = 5 * LEASE_SECONDS  # by two machines' clocks, so generously
START_SECONDS = 60.0
END_SECONDS = 150.0
PROBE_SECONDS = 0.5  # the first try only removes what a dead holder left
STATE, LOCK, LOG = "supervisor.json", "supervisor.lock", "supervisor.log"


def start(plan: Plan) -> None:
    """Start the supervisor of a plan, in a session of its own, and wait until the plan is its own."""
    environment = {**os.environ, "PYTHONPATH": str(plan.code), "PYTHONSAFEPATH": "1"}
    with (plan.folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(plan.folder)],
            env=environment,
            cwd=plan.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while plan.claimant(0) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RunError(f"the supervisor did not start; see {plan.folder / LOG}")
        time.sleep(0.1)


def supervise(folder: Path) -> int:
    """Carry out a plan's runs and then its report; ends at once where the plan was given up."""
    plan = read_plan(folder)
    with _lease(plan):
        if plan.claim(0, job_id(plan)) == ABANDONED:
            return 0
        return _carry_out(plan)


def job_id(plan: Plan) -> str:
    """What stands in the place of SLURM's job id, in the names of logs too."""
    return f"local-{plan.id}"


def alive(plan: Plan) -> bool:
    """Whether the plan's supervisor works, as far as this machine can tell."""
    lock = plan.folder / LOCK
    said = state(plan)
    if said["host"] == platform.node() and _is_zombie(said["pid"]):
        return False
    with contextlib.suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > SILENCE_SECONDS:
            return False
        try:
            with _lease(plan).acquire(timeout=PROBE_SECONDS):
                return False
        except Timeout:
            return True
    return False


def state(plan: Plan) -> dict[str, Any]:
    """What the supervisor last said: host, pid, and of each run of the plan, in order, what it does."""
    try:
        return dict(json.loads((plan.folder / STATE).read_text()))
    except (OSError, ValueError):
        return {"host": "", "pid": 0, "runs": ["waiting"] * len(plan.arrays[0].jobs)}


def unfinished(plan: Plan) -> list[int]:
    """Indices of the plan's runs that wait or run; none where nobody carries the plan out."""
    if plan.claimant(0) in (None, ABANDONED) or not alive(plan):
        return []
    return [index for index, doing in enumerate(state(plan)["runs"]) if doing in ("waiting", "running")]


def cancel(plan: Plan) -> None:
    """End the supervisor and its runs, which write their checkpoints first."""
    said = state(plan)
    if said["host"] != platform.node():
        raise RequestError(f"the supervisor of {plan.id} runs on {said['host']}: cancel there")
    with contextlib.suppress(ProcessLookupError):
        os.kill(said["pid"], signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while alive(plan):
        if time.monotonic() > deadline:
            raise RunError(f"the supervisor of {plan.id}, process {said['pid']}, does not end")
        time.sleep(0.2)


def places(plan: Plan) -> list[str]:
    """A place for each run that may live at once: the GPU that it gets, or an empty text for the CPU."""
    most = plan.means.parallelism
    gpus = _gpus()
    if gpus:
        return gpus[: most or len(gpus)]
    threads = max(run.threads for (run,) in plan.arrays[0].jobs)
    return [""] * (most or max(1, len(os.sched_getaffinity(0)) // threads))


def _carry_out(plan: Plan) -> int:
    runs = [run for (run,) in plan.arrays[0].jobs]
    gpus = places(plan)

    def environment(run: PlannedRun, place: int) -> dict[str, str]:
        own = {"CUDA_VISIBLE_DEVICES": gpus[place]} if gpus[place] else {}
        return {**job.environment(plan, run.threads), **own}

    def say(pool: Pool) -> None:
        living = {run for run, _ in pool.living.values()}
        doing = {run: "running" for run in living} | {run: "waiting" for run in pool.waiting}
        state = [doing.get(run, f"ended {pool.codes.get(run, 0)}") for run in runs]
        write_json(plan.folder / STATE, {"host": platform.node(), "pid": os.getpid(), "runs": state})

    launch = Launch(
        command=lambda run: job.train_command(plan, run, plan.cache),
        environment=environment,
        logs=plan.results / plan.study / "logs",
        job=job_id(plan),
        bound=True,
    )
    pool = Pool(launch=launch, places=len(gpus), restarts=plan.means.max_requeues, on_change=say)
    code = pool.carry_out(runs)
    return code if pool.stopping else max(code, job.report(plan))


def _gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES may name, a GPU an entry; none where there is no NVIDIA driver."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu and gpu != "-1"]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody collected it, as in a container whose first process does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _lease(plan: Plan) -> SoftFileLease:
    return SoftFileLease(plan.folder / LOCK, lease_duration=LEASE_SECONDS, poll_interval=0.2)


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
