"""Which runs of a study have a job that waits or runs, and how plans that nobody finished sending are settled."""

from collections.abc import Iterable
from dataclasses import dataclass

from alexnet_study.cluster import batch, local, slurm
from alexnet_study.cluster.plan import ABANDONED, Plan
from alexnet_study.cluster.slurm import QueuedJob

Key = tuple[str, int]  # variant, seed


@dataclass(frozen=True, kw_only=True)
class LiveJob:
    """A job that waits or runs: the plan's array, the index in it, and the queue's entry, None for a local one."""

    plan: Plan
    array: int
    index: int
    id: str
    queued: QueuedJob | None = None

    @property
    def reports(self) -> bool:
        """Whether it is the report's."""
        return self.plan.arrays[self.array].reports

    @property
    def runs(self) -> list[Key]:
        """Its runs."""
        return [] if self.reports else [run.key for run in self.plan.arrays[self.array].jobs[self.index]]


def settle(plans: Iterable[Plan], queue: list[QueuedJob]) -> None:
    """Give every array of earlier submissions a job id or give it up; to be called under the study's lock.

    Looks an array without a job id up by its token. One that is not found is given up by claiming it: if SLURM gets it
    after all, its tasks end at once; if one of them started in the meantime, the claim is theirs and tells their id.
    """
    by_token = {job.comment: job for job in queue}
    for plan in plans:
        if plan.means.launcher == "local":
            plan.claim(0, ABANDONED)  # unless a supervisor has it
            continue
        for array, planned in enumerate(plan.arrays):
            found = by_token.get(planned.token)
            if plan.job_of(array) is None and plan.claimant(array) != ABANDONED:
                owner = found.array if found is not None else plan.claim(array, ABANDONED)
                if owner != ABANDONED:
                    plan.record_job(array, owner)
            if found is not None and found.live:
                if plan.claimant(array) == ABANDONED:
                    slurm.cancel([found.array])
                else:
                    batch.complete(plan, array, found.array)


def live_jobs(plans: Iterable[Plan], queue: list[QueuedJob]) -> list[LiveJob]:
    """The jobs of these plans that wait or run, oldest submission first."""
    found: list[LiveJob] = []
    for plan in plans:
        if plan.means.launcher == "local":
            found += [LiveJob(plan=plan, array=0, index=i, id=local.job_id(plan)) for i in local.unfinished(plan)]
            continue
        for array, planned in enumerate(plan.arrays):
            job = plan.job_of(array)
            for queued in queue:
                if queued.array == job and queued.comment == planned.token and queued.live:
                    index = int(queued.id.partition("_")[2] or 0)
                    found.append(LiveJob(plan=plan, array=array, index=index, id=queued.id, queued=queued))
    return found


def by_run(jobs: Iterable[LiveJob]) -> dict[Key, LiveJob]:
    """The live job of each run; the newest where there should be one only."""
    return {key: job for job in jobs for key in job.runs}
