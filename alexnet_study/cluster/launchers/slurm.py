"""SLURM: a plan's arrays are sent by sbatch, found again in the queue, and settled where a submitter died."""

import contextlib
import dataclasses
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from alexnet_study.cluster.launchers import batch_script, slurm_clients
from alexnet_study.cluster.launchers.launcher import Launcher, QueuedJob, SentJob
from alexnet_study.cluster.launchers.slurm_clients import SlurmClients
from alexnet_study.cluster.plans.job_plan import ABANDONED, JobPlan, PlannedArray, arrays_of
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError, RunError
from alexnet_study.runs.records import Attempt
from alexnet_study.study.configs import RunConfig
from alexnet_study.wording import count

WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "SUSPENDED", "STOPPED", "CONFIGURING")


@dataclass(frozen=True, kw_only=True)
class Slurm(Launcher):
    """A cluster, by its name or "" for this machine's own, through SLURM's clients."""

    name: ClassVar[str] = "slurm"
    cluster: str = ""

    @classmethod
    def of(cls, profile: Profile) -> "Slurm":
        """Return the launcher of the profile's cluster."""
        return cls(cluster=profile.cluster)

    @property
    def clients(self) -> SlurmClients:
        """Return the cluster's clients."""
        return SlurmClients(cluster=self.cluster)

    def completed(self, profile: Profile) -> Profile:
        """Return the profile, where it has none with the cluster, account and partition that the environment names.

        Runs of a job that asks for a GPU compute on it, unless the profile says on what. Raise RequestError if the
        environment names several clusters.
        """
        cluster = profile.cluster or os.environ.get("SBATCH_CLUSTERS") or os.environ.get("SLURM_CLUSTERS") or ""
        if "," in cluster or cluster == "all":
            raise RequestError(
                f"SLURM_CLUSTERS={cluster}: names several; expected one, or cluster: NAME in the profile"
            )
        account = profile.account or os.environ.get("SBATCH_ACCOUNT", "")
        partition = profile.partition or os.environ.get("SBATCH_PARTITION", "")
        device = profile.device or ("cuda" if profile.gpus else "")
        return dataclasses.replace(profile, cluster=cluster, account=account, partition=partition, device=device)

    def avoiding(self, profile: Profile, nodes: Sequence[str]) -> Profile:
        """Return the profile with the nodes among those that its jobs exclude."""
        named = [name for name in nodes if name not in profile.exclude.split(",")]
        return dataclasses.replace(profile, exclude=",".join([*filter(None, [profile.exclude]), *named]))

    def check_profile(self, profile: Profile) -> None:
        """Do nothing: every key means something here."""

    def check_plan(self, plan: JobPlan) -> None:
        """Raise RequestError where a path would be read as more than a path."""
        batch_script.check_paths(plan)

    def check_reachable(self) -> None:
        """Raise RequestError without SLURM's clients; raise RunError without a controller."""
        slurm_clients.require_clients()
        self.clients.queue()

    def queue(self, users: Iterable[int] = ()) -> list[QueuedJob]:
        """Return what squeue shows."""
        return self.clients.queue(users)

    def arrays(
        self, plan: JobPlan, wanted: Sequence[RunConfig], live: Iterable[SentJob], *, ask: bool, report: bool
    ) -> tuple[PlannedArray, ...]:
        """Return an array a variant, or several, and the report's job; that alone where live jobs have none.

        Where the profile bounds the study's jobs in the queue, the first runs that it has room for.
        """
        queued = [job for job in live if job.queued is not None]
        room = _room(plan.profile, queued)
        wanted = wanted if room is None or room > 0 else ()
        if not wanted and (not (queued or report) or any(job.reports for job in queued)):
            return ()
        most = self.clients.max_array_size() if ask else slurm_clients.DEFAULT_MAX_ARRAY_SIZE
        per_job = plan.profile.runs_per_job
        return tuple(arrays_of(plan.study, plan.id, wanted, runs_per_job=per_job, most_jobs=most, room=room))

    def script(self, plan: JobPlan, array: int, dependency: Sequence[str]) -> str:
        """Return the text that sbatch would get."""
        return batch_script.script(plan, array, _afterany(dependency))

    def send(self, plan: JobPlan, array: int, dependency: Sequence[str]) -> str:
        """Send an array; where sbatch fails, the queue tells whether SLURM has the job all the same."""
        try:
            return batch_script.send(plan, array, self.clients, _afterany(dependency))
        except RunError as error:
            self._settle(plan, array, _OwnJobs(plan, self.clients.queue()))  # later arrays may still be sent
            job = plan.job_of(array)
            if job is not None:
                return job
            raise RequestError(f"{error} (array {plan.arrays[array].name})") from None

    def settle(self, plan: JobPlan, queue: Sequence[QueuedJob]) -> None:
        """Look an array without a job id up by its token; give it up by owning it where it is not found.

        If SLURM gets it after all, its tasks end at once; if one of them started in the meantime, the array is that
        job's, whose id is then known.
        """
        own = _OwnJobs(plan, queue)
        for array in range(len(plan.arrays)):
            self._settle(plan, array, own)

    def _settle(self, plan: JobPlan, array: int, own: "_OwnJobs") -> None:
        found = own.of(array)
        if plan.job_of(array) is None and plan.owner(array) != ABANDONED:
            owner = found[0].array if found else plan.own(array, ABANDONED)
            if owner != ABANDONED:
                plan.record_job(array, owner)
        if any(job.live for job in found):
            if plan.owner(array) == ABANDONED:
                self.clients.cancel([found[0].array])
            else:
                batch_script.complete(plan, array, found[0].array)

    def jobs(self, plan: JobPlan, queue: Sequence[QueuedJob] | None) -> list[SentJob]:
        """Return the jobs of all arrays that have an id, on record or in the queue."""
        own = _OwnJobs(plan, queue or ())
        sent = []
        for array, planned in enumerate(plan.arrays):
            found = {job.id: job for job in own.of(array)}
            id_ = plan.job_of(array) or next((job.array for job in found.values()), None)
            if id_ is None or plan.owner(array) == ABANDONED:
                continue
            for index in range(max(1, len(planned.jobs))):
                name = planned.job_id(id_, index)
                queued = found.get(name) or found.get(id_)  # an array that waits may be shown as one job
                phase = "unknown" if queue is None else _phase(queued)
                sent.append(SentJob(plan=plan, array=array, index=index, id=name, phase=phase, queued=queued))
        return sent

    def cancel(self, jobs: Sequence[SentJob]) -> None:
        """Cancel by scancel: a whole array by its id, a part of it in one word."""
        arrays: dict[str, list[SentJob]] = {}
        for job in jobs:
            arrays.setdefault(job.id.partition("_")[0], []).append(job)
        self.clients.cancel([_name(array, own) for array, own in arrays.items()])

    def release(self, jobs: Sequence[SentJob]) -> list[SentJob]:
        """Release by scontrol, which refuses a user what an administrator holds."""
        released = []
        for job in jobs:
            with contextlib.suppress(RunError):
                self.clients.release(job.id)
                released.append(job)
        return released

    def accounts(self, jobs: Sequence[str]) -> dict[str, str]:
        """Return what sacct says."""
        return self.clients.accounting(jobs)

    def made(self, job: SentJob, attempt: Attempt) -> bool:
        """Return whether the attempt names the job."""
        return attempt.job == job.id

    def log(self, job: SentJob) -> Path:
        """Return the file that holds the job's standard error, with the words of SLURM's daemons."""
        return batch_script.job_log(job.plan, job.id)

    def describe(self, plan: JobPlan) -> str:
        """Return the number of runs and jobs, and the most that they can use."""
        profile, runs = plan.profile, count(len(plan.runs), "run")
        jobs: dict[int, int] = {}  # how many, by time limit in minutes
        for index, array in enumerate(plan.arrays):
            if array.jobs:
                minutes = plan.profile_of(index).minutes
                jobs[minutes] = jobs.get(minutes, 0) + len(array.jobs)
        if not profile.gpus:
            return f"{runs}, {count(sum(jobs.values()), 'job')}: no GPU"
        hours = sum(minutes * number for minutes, number in jobs.items()) / 60 * profile.gpus
        each = " and ".join(f"{count(number, 'job')} of {minutes} min" for minutes, number in jobs.items())
        lives = 1 + profile.max_requeues
        often = f" in one life of each, and {lives} lives are allowed" if lives > 1 else ""
        return f"{runs}, {each} with {profile.gpus} GPU each: {hours:.1f} GPU-hours at most{often}"


class _OwnJobs:
    """A plan's jobs in the queue: told by recorded ids; the comment, which others may change, is the second witness."""

    def __init__(self, plan: JobPlan, queue: Sequence[QueuedJob]) -> None:
        self.plan = plan
        self.by_token: dict[str, list[QueuedJob]] = {}
        self.by_id: dict[str, list[QueuedJob]] = {}
        for job in queue:
            self.by_token.setdefault(job.comment, []).append(job)
            self.by_id.setdefault(job.array, []).append(job)

    def of(self, array: int) -> list[QueuedJob]:
        """Return the jobs of an array; SLURM may have given an old id anew, to a job of another name or submission."""
        planned, id_ = self.plan.arrays[array], self.plan.job_of(array)
        if id_ is None:
            return self.by_token.get(planned.token, [])
        other = re.compile(rf"{re.escape(self.plan.study)}/\d{{8}}-\d{{6}}-\w+/\d+")
        return [
            job
            for job in self.by_id.get(id_, ())
            if job.comment == planned.token or (job.name == planned.name and not other.fullmatch(job.comment))
        ]


def _name(array: str, jobs: Sequence[SentJob]) -> str:
    """Return these jobs of an array as SLURM's clients take them: `12` for all, `12_[0,2-4]` for some."""
    indices = sorted({job.index for job in jobs})
    if len(indices) == max(1, len(jobs[0].plan.arrays[jobs[0].array].jobs)):
        return array
    grouped = itertools.groupby(enumerate(indices), key=lambda entry: entry[1] - entry[0])  # equal along a range
    pieces = [[index for _, index in piece] for _, piece in grouped]
    shown = (f"{piece[0]}-{piece[-1]}" if len(piece) > 1 else str(piece[0]) for piece in pieces)
    return f"{array}_[{','.join(shown)}]"


def _room(profile: Profile, queued: Sequence[SentJob]) -> int | None:
    """Return how many jobs with runs may be sent beside these and a new report's; None where nothing bounds them."""
    return max(0, profile.max_jobs - len({job.id for job in queued}) - 1) if profile.max_jobs else None


def _afterany(jobs: Sequence[str]) -> str:
    """Return the dependency on these jobs, whether they succeed or not."""
    return ":".join(["afterany", *jobs]) if jobs else ""


def _phase(queued: QueuedJob | None) -> str:
    if queued is None or not queued.live:
        return "ended"
    return "waiting" if queued.state in WAITING else "running"
