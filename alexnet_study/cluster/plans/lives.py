"""The lives of a run in its job, one for each start: `lives/<run>/<restart>` beside the plan, written by the job once.

A life begins where the run's checkpoint stands. By that a run is known that starts again and again and gains nothing;
and by the restart count whether the last attempt on record was the last life's.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedRun, create_once
from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Attempt

MOST_IN_VAIN = 3
IN_VAIN = f"gained no step in {MOST_IN_VAIN} lives"
NEXT_LIFE = "started again: life "  # a batch script says so of itself, with the restart count
Place = tuple[int, int]  # epoch and step that come next


@dataclass(frozen=True, kw_only=True)
class Lives:
    """The lives of a job's runs; restart: how often SLURM started this job again. places: where each run stands now."""

    plan: JobPlan
    restart: int
    places: dict[PlannedRun, Place] = field(default_factory=dict)

    def in_vain(self, run: PlannedRun, job: str) -> str | None:
        """Return why a run that is about to start is to be given up, None where it may go on; job: this job's id."""
        attempt = _last_attempt(self.plan, run)
        self.places[run] = _place(attempt)
        earlier = [place for restart, place in sorted(recorded(self.plan, run.name).items()) if restart < self.restart]
        if len(earlier) < MOST_IN_VAIN or {*earlier[-MOST_IN_VAIN:]} != {self.places[run]}:
            return None
        own = attempt is not None and attempt.job == job and attempt.cause
        return f"{IN_VAIN}; the last: {own or 'ended before it trained'}"

    def begin(self, runs: Iterable[PlannedRun]) -> None:
        """Write down of each run that it has started, once."""
        for run in runs:
            path = self.plan.lives_folder / run.name / str(self.restart)
            with contextlib.suppress(OSError):  # a full disk: the run itself says so
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    create_once(path, json.dumps(self.places[run]))


def recorded(plan: JobPlan, run: str) -> dict[int, Place]:
    """Return where each life of a run, `skip-seed-0`, began, by the restart count of its job."""
    found = {}
    for path in (plan.lives_folder / run).glob("[0-9]*"):
        epoch, step = json.loads(path.read_text())
        found[int(path.name)] = epoch, step
    return found


def _last_attempt(plan: JobPlan, run: PlannedRun) -> Attempt | None:
    folder = RunFolder.at(plan.results, plan.study, run.variant, run.seed)
    try:
        attempts = folder.read_provenance().attempts if folder.provenance.exists() else ()
    except DamagedRunError:
        return None
    return attempts[-1] if attempts else None


def _place(attempt: Attempt | None) -> Place:
    """Return where the checkpoint stands, as far as the last attempt tells: one without an end may have saved none."""
    if attempt is None:
        return 0, 0
    if attempt.end is None:
        return attempt.first_epoch, attempt.first_step
    return attempt.progress.epoch, attempt.progress.step
