"""What a run's own folder tells of it, whatever became of its jobs."""

from dataclasses import dataclass
from pathlib import Path

from alexnet_study.cluster.launchers.launcher import SentJob
from alexnet_study.cluster.launchers.table import launcher_of
from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Attempt


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """attempts: oldest first. batch_size: of an unfinished run. damage: what can't be read, in words."""

    finished: bool = False
    attempts: tuple[Attempt, ...] = ()
    batch_size: int = 0
    damage: str | None = None

    def attempt_in(self, job: SentJob) -> Attempt | None:
        """Return the newest attempt, if it was made in this job."""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and launcher_of(job.plan).made(job, last) else None


def read_facts(folder: Path) -> RunFacts:
    """Return what a run's folder tells; what is damaged is said, and the rest told all the same.

    A finished run is known by its signs; its figures are read by `figures` alone.
    """
    run = RunFolder(folder)
    damages: list[str] = []
    finished = run.looks_finished()
    attempts: tuple[Attempt, ...] = ()
    batch_size = 0
    try:
        finished = finished or run.read_summary(arrays=False) is not None
    except DamagedRunError as error:
        damages.append(str(error))
    if run.provenance.exists():
        try:
            attempts = run.read_provenance().attempts
            batch_size = 0 if finished else run.read_config().recipe.batch_size
        except DamagedRunError as error:
            damages.append(str(error))
    return RunFacts(finished=finished, attempts=attempts, batch_size=batch_size, damage=damages[0] if damages else None)


def figures(folder: Path) -> str:
    """Return a finished run's top-1 by evaluation, in words; raise DamagedRunError if its summary can't be read."""
    summary = RunFolder(folder).read_summary(arrays=False)
    if summary is None:
        return ""
    return "top-1 " + ", ".join(f"{name} {own.top1:.2%}" for name, own in summary.evaluations.items())
