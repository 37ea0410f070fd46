"""What a run's own folder tells of it, whatever became of its jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.cluster.launchers.launcher import SentJob
from alexnet_study.cluster.launchers.table import launcher_of
from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Attempt


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """top1: by evaluation, of a finished run. attempts: oldest first. damage: what can't be read, in words."""

    top1: Mapping[str, float] | None = None
    attempts: tuple[Attempt, ...] = ()
    batch_size: int = 0
    damage: str | None = None

    def attempt_in(self, job: SentJob) -> Attempt | None:
        """Return the newest attempt, if it was made in this job."""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and launcher_of(job.plan).made(job, last) else None


def read_facts(folder: Path) -> RunFacts:
    """Return what a run's folder tells; what is damaged is said, and the rest told all the same."""
    run = RunFolder(folder)
    damages: list[str] = []
    top1: dict[str, float] | None = None
    attempts: tuple[Attempt, ...] = ()
    batch_size = 0
    try:
        summary = run.read_summary(arrays=False)
        if summary is not None:
            top1 = {name: own.top1 for name, own in summary.evaluations.items()}
    except DamagedRunError as error:
        damages.append(str(error))
    if run.provenance.exists():
        try:
            attempts = run.read_provenance().attempts
            batch_size = run.read_config().recipe.batch_size
        except DamagedRunError as error:
            damages.append(str(error))
    return RunFacts(top1=top1, attempts=attempts, batch_size=batch_size, damage=damages[0] if damages else None)
