"""This machine, without SLURM: a supervisor in the background carries a plan out; status and cancel know it."""

import contextlib
import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from filelock import SoftFileLease, Timeout

from alexnet_study.cluster.launchers.launcher import NEVER_RAN, Launcher, QueuedJob, SentJob
from alexnet_study.cluster.plans.job_plan import ABANDONED, JobPlan, PlannedArray, local_array
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError, RunError
from alexnet_study.runs.records import Attempt
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.validation import build
from alexnet_study.wording import count

KEYS = (
    "launcher",
    "device",
    "parallelism",
    "max_requeues",
    "inexact_resume",
    "notify",
)  # of a profile, that mean something here
SUPERVISOR = "alexnet_study.cluster.launchers.supervisor"
LEASE_SECONDS = 60.0
SILENCE_SECONDS = 5 * LEASE_SECONDS  # by two machines' clocks, so generously
START_SECONDS = 60.0
END_SECONDS = 150.0
PROBE_SECONDS = 0.5  # the first try only removes what a dead holder left
LIVE = ("waiting", "running")  # of what a run may do
STATE, LOCK, LOG = "supervisor.json", "supervisor.lock", "supervisor.log"


@dataclass(frozen=True, kw_only=True)
class SupervisorState:
    """What a supervisor last said: where it is, and of each run of the plan, in order, what it does.

    A run is `waiting`, `running`, `cancelled` before it ran, or `ended CODE`, with the negative number of the signal
    that killed it.
    """

    host: str
    pid: int
    runs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Local(Launcher):
    """A supervisor to a plan, on this machine."""

    name: ClassVar[str] = "local"

    def check_profile(self, profile: Profile) -> None:
        """Raise RequestError if a key is set that means nothing here."""
        default = Profile(launcher=self.name)
        for each in dataclasses.fields(profile):
            if each.name not in KEYS and getattr(profile, each.name) != getattr(default, each.name):
                raise RequestError(f"{each.name}: means nothing to launcher local; expected {', '.join(KEYS)}")
        if profile.notify.mail:
            raise RequestError(
                "notify.mail: is SLURM's mail, of which launcher local has none; expected notify.command"
            )

    def check_plan(self, plan: JobPlan) -> None:
        """Do nothing: no path is read as more than a path."""

    def check_reachable(self) -> None:
        """Do nothing: this machine is here."""

    def queue(self, users: Iterable[int] = ()) -> list[QueuedJob]:
        """Return nothing: a supervisor says itself what it does."""
        return []

    def arrays(
        self, plan: JobPlan, wanted: Sequence[RunConfig], live: Iterable[SentJob], *, ask: bool, report: bool
    ) -> tuple[PlannedArray, ...]:
        """Return one array with all runs; the supervisor reports by itself."""
        return (local_array(plan.study, plan.id, wanted),) if wanted else ()

    def script(self, plan: JobPlan, array: int, dependency: Sequence[str]) -> None:
        """Return None: there is no batch script."""
        return

    def send(self, plan: JobPlan, array: int, dependency: Sequence[str]) -> str:
        """Start the plan's supervisor."""
        start(plan)
        return job_id(plan)

    def settle(self, plan: JobPlan, queue: Sequence[QueuedJob]) -> None:
        """Give the plan up, unless a supervisor has it."""
        plan.own(0, ABANDONED)

    def jobs(self, plan: JobPlan, queue: Sequence[QueuedJob] | None) -> list[SentJob]:
        """Return one job a run, all of the supervisor's id."""
        live = carried_out(plan)
        doing = state(plan).runs  # after that, so that a run which ends meanwhile has its own end
        return [
            SentJob(
                plan=plan,
                array=0,
                index=index,
                id=job_id(plan),
                phase=doing[index] if live and doing[index] in LIVE else "ended",
                last_words=_last_words(doing[index]),
            )
            for index in range(len(plan.runs))
        ]

    def cancel(self, jobs: Sequence[SentJob]) -> None:
        """End the supervisors, and with each all of its runs."""
        for plan in {job.plan.id: job.plan for job in jobs}.values():
            cancel(plan)

    def release(self, jobs: Sequence[SentJob]) -> list[SentJob]:
        """Return nothing: nothing is held here."""
        return []

    def accounts(self, jobs: Sequence[str]) -> dict[str, str]:
        """Return nothing: nobody accounts here."""
        return {}

    def made(self, job: SentJob, attempt: Attempt) -> bool:
        """Return whether the attempt is younger than the plan."""
        return attempt.start >= job.plan.created

    def log(self, job: SentJob) -> None:
        """Return None: a run's own logs hold everything."""
        return

    def report_log(self, plan: JobPlan) -> Path:
        """Return the supervisor's log."""
        return plan.folder / LOG

    def is_at_work(self, plan: JobPlan) -> bool:
        """Return whether the plan's supervisor lives."""
        return carried_out(plan)

    def describe(self, plan: JobPlan) -> str:
        """Return the number of runs."""
        return f"{count(len(plan.runs), 'run')} here, under a supervisor in the background; then the report"


def start(plan: JobPlan) -> None:
    """Start the supervisor of a plan, in a session of its own, and wait until the plan is its own.

    Raise RunError if it doesn't start.
    """
    environment = {**os.environ, "PYTHONPATH": str(plan.code), "PYTHONSAFEPATH": "1"}
    with (plan.folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", SUPERVISOR, str(plan.folder)],
            env=environment,
            cwd=plan.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while plan.owner(0) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RunError(f"the supervisor did not start; see {plan.folder / LOG}")
        time.sleep(0.1)


def job_id(plan: JobPlan) -> str:
    """Return what serves as SLURM's job id elsewhere, in the names of logs too."""
    return f"local-{plan.id}"


def alive(plan: JobPlan) -> bool:
    """Return whether the plan's supervisor works, as far as this machine can tell."""
    lock = plan.folder / LOCK
    said = state(plan)
    if said.host == platform.node() and _is_zombie(said.pid):
        return False
    with contextlib.suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > SILENCE_SECONDS:
            return False
        try:
            with lease(plan).acquire(timeout=PROBE_SECONDS):
                return False
        except Timeout:
            return True
    return False


def state(plan: JobPlan) -> SupervisorState:
    """Return what the plan's supervisor last said."""
    try:
        return build(SupervisorState, json.loads((plan.folder / STATE).read_text()), STATE)
    except (OSError, ValueError):
        return SupervisorState(host="", pid=0, runs=("waiting",) * len(plan.runs))


def carried_out(plan: JobPlan) -> bool:
    """Return whether a supervisor carries the plan out."""
    return plan.owner(0) not in (None, ABANDONED) and alive(plan)


def cancel(plan: JobPlan) -> None:
    """End the supervisor and its runs, which write their checkpoints first."""
    said = state(plan)
    if said.host != platform.node():
        raise RequestError(f"the supervisor of {plan.id} runs on {said.host}: cancel there")
    with contextlib.suppress(ProcessLookupError):
        os.kill(said.pid, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while alive(plan):
        if time.monotonic() > deadline:
            raise RunError(f"the supervisor of {plan.id}, process {said.pid}, does not end")
        time.sleep(0.2)


def lease(plan: JobPlan) -> SoftFileLease:
    """Return the lease that the plan's supervisor holds."""
    return SoftFileLease(plan.folder / LOCK, lease_duration=LEASE_SECONDS, poll_interval=0.2)


def _last_words(doing: str) -> str | None:
    if doing in LIVE:
        return "its supervisor ended"
    if doing == "cancelled":
        return NEVER_RAN
    code = int(doing.removeprefix("ended "))
    return f"killed by signal {-code}" if code < 0 else None


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended and nobody collected it, as where a container's first process does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
