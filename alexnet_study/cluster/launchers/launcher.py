"""What carries a submission's jobs out: the `Launcher` protocol, and the jobs that it knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedArray
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.runs.records import Attempt
from alexnet_study.study.configs import RunConfig

Key = tuple[str, int]  # variant, seed
NEVER_RAN = "cancelled before it ran"
HELD = frozenset(("REQUEUE_HOLD", "SPECIAL_EXIT"))
ENDED = frozenset(
    ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED")
    + ("REVOKED", "TIMEOUT")
)


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A job as the controller knows it; ended jobs stay known for some minutes.

    id: `12`, or `12_3` in an array. array: `12` in both. used: elapsed time as squeue writes it.
    """

    id: str
    array: str
    state: str
    reason: str
    node: str
    used: str
    comment: str
    name: str = ""

    @property
    def live(self) -> bool:
        """Return whether it waits or runs, or may do so again."""
        return self.state not in ENDED

    @property
    def held(self) -> bool:
        """Return whether it waits until somebody releases it."""
        return self.state in HELD or (self.state == "PENDING" and "held" in self.reason.lower())


@dataclass(frozen=True, kw_only=True)
class SentJob:
    """A job that was sent: the plan's array, the index in it, its id.

    phase: waiting, running, ended, or unknown where nobody can tell. queued: the queue's entry, if it still has one.
    last_words: what a local supervisor knows of the end.
    """

    plan: JobPlan
    array: int
    index: int
    id: str
    phase: str
    queued: QueuedJob | None = None
    last_words: str | None = None

    @property
    def live(self) -> bool:
        """Return whether it waits or runs."""
        return self.phase in ("waiting", "running")

    @property
    def reports(self) -> bool:
        """Return whether it is the report's."""
        return self.plan.arrays[self.array].reports

    @property
    def runs(self) -> list[Key]:
        """Return its runs."""
        return [] if self.reports else [run.key for run in self.plan.arrays[self.array].jobs[self.index]]


class Launcher(Protocol):
    """Sends plans, and knows what became of their jobs.

    name: as profiles write it.
    """

    name: ClassVar[str]

    @classmethod
    def of(cls, profile: Profile) -> "Launcher":
        """Return the launcher that carries a profile's plans out; equal ones have one queue."""
        return cls()

    def completed(self, profile: Profile) -> Profile:
        """Return the profile with what the site's environment says where it leaves something open."""
        return profile

    def avoiding(self, profile: Profile, nodes: Sequence[str]) -> Profile:
        """Return the profile for jobs that shall not run on these nodes; as it is where there is no choice of nodes."""
        return profile

    def check_profile(self, profile: Profile) -> None:
        """Raise RequestError if the profile asks for what this launcher doesn't know."""

    def check_plan(self, plan: JobPlan) -> None:
        """Raise RequestError if a plan, as yet without arrays, can't be carried out."""

    def check_reachable(self) -> None:
        """Raise RequestError if what is needed isn't installed; raise RunError if it doesn't answer."""

    def queue(self, users: Iterable[int] = ()) -> list[QueuedJob]:
        """Return every job of this user and of others, by their ids, that the queue knows, live or ended.

        Raise RunError if it doesn't answer.
        """

    def arrays(
        self, plan: JobPlan, wanted: Sequence[RunConfig], live: Iterable[SentJob], *, ask: bool, report: bool
    ) -> tuple[PlannedArray, ...]:
        """Return the arrays for the wanted runs, none if nothing is to be sent; without `ask` nobody is asked.

        report: the report's job is wanted though no run is.
        """

    def script(self, plan: JobPlan, array: int, dependency: Sequence[str]) -> str | None:
        """Return the exact text of an array's batch script, None where there is none."""

    def send(self, plan: JobPlan, array: int, dependency: Sequence[str]) -> str:
        """Send an array, behind the arrays of these ids; return its id.

        Raise RequestError if it was refused; raise RunError where nobody can tell.
        """

    def settle(self, plan: JobPlan, queue: Sequence[QueuedJob]) -> None:
        """Give every array of an earlier submission a job id, or give it up; under the study's lock only."""

    def jobs(self, plan: JobPlan, queue: Sequence[QueuedJob] | None) -> list[SentJob]:
        """Return the jobs of a plan that were sent; the queue is None where it isn't known."""

    def cancel(self, jobs: Sequence[SentJob]) -> None:
        """Cancel live jobs; those that ended meanwhile are no mistake."""

    def release(self, jobs: Sequence[SentJob]) -> list[SentJob]:
        """Let held jobs go; return those that were let go."""

    def accounts(self, jobs: Sequence[str]) -> dict[str, str]:
        """Return the states of ended jobs by id, as far as there is accounting."""

    def made(self, job: SentJob, attempt: Attempt) -> bool:
        """Return whether an attempt at a run was made in this job."""

    def log(self, job: SentJob) -> Path | None:
        """Return the log of the job itself, beside those of its runs; None where it has none."""

    def report_log(self, plan: JobPlan) -> Path | None:
        """Return the log of what makes a plan's report where that is no job; None where it is one."""
        return None

    def is_at_work(self, plan: JobPlan) -> bool:
        """Return whether what makes a plan's report without a job still lives."""
        return False

    def describe(self, plan: JobPlan) -> str:
        """Return in one line what a plan asks for."""
