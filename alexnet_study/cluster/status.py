"""Where each run of a study is: from its own attempts first, then the jobs' logs, the queue, and accounting if any."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexnet_study.cluster import batch, causes, local, slurm
from alexnet_study.cluster.live import Key
from alexnet_study.cluster.plan import ABANDONED, Plan, PlannedRun, read_plans
from alexnet_study.cluster.slurm import QueuedJob
from alexnet_study.errors import DamagedRunError, RunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.study import Study

SILENT_SECONDS = 60.0  # heartbeats come every few seconds


@dataclass(frozen=True, kw_only=True)
class Place:
    """The newest job that has a run. phase: waiting, running, ended, or unknown where nobody can tell.

    alone: whether the job has no other run. queued: the queue's entry, if it still has one. last_words: what a local
    supervisor knows of the end.
    """

    plan: Plan
    array: int
    index: int
    job: str
    phase: str
    alone: bool = True
    queued: QueuedJob | None = None
    last_words: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One line of the status. state: waiting, running, finished, failed, unknown or `not sent`; cause of a failure.

    hours: of all attempts, those with a GPU and those without.
    """

    variant: str
    seed: int
    state: str
    detail: str
    cause: str | None = None
    log: Path | None = None
    gpu_hours: float = 0.0
    cpu_hours: float = 0.0
    place: Place | None = None


def study_status(study: Study, results: Path) -> tuple[list[RunStatus], list[str]]:
    """The status of every run, in the study's order, and notes; also without SLURM, or while it does not answer."""
    plans = read_plans(results, study.name)
    keys = [(run.variant, run.seed) for run in study.runs()]
    keys += [run.key for plan in plans for array in plan.arrays for job in array.jobs for run in job]
    facts = {key: _Facts(results / study.name / key[0] / f"seed-{key[1]}") for key in dict.fromkeys(keys)}
    queue, notes = _queue(plans, facts)
    places = _places(plans, queue)
    accounts = _accounts(facts, places) if queue is not None else {}
    return [_status(key, fact, places.get(key), accounts) for key, fact in facts.items()], notes


class _Facts:
    """What a run's own folder tells."""

    def __init__(self, folder: Path) -> None:
        run = RunFolder(folder)
        self.damage: str | None = None
        self.top1: dict[str, float] | None = None
        self.attempts: list[dict[str, Any]] = []
        self.batch_size = 0
        try:
            summary = run.read_summary(arrays=False)
            if summary is not None:
                self.top1 = {name: figures["top1"] for name, figures in summary["evaluations"].items()}
        except DamagedRunError as error:
            self.damage = str(error)
        if run.provenance.exists():
            try:
                self.attempts = run.read_provenance()["attempts"]
                self.batch_size = int(run.read_config()["recipe"]["batch_size"])
            except DamagedRunError as error:
                self.damage = self.damage or str(error)

    def attempt_in(self, place: Place) -> dict[str, Any] | None:
        """The newest attempt, if it was made in this job."""
        if not self.attempts:
            return None
        last = self.attempts[-1]
        own = last["start"] >= place.plan.created if place.job == local.job_id(place.plan) else last["job"] == place.job
        return last if own else None

    def hours(self, *, gpu: bool) -> float:
        """Hours of all attempts, with or without a GPU."""
        chosen = [attempt for attempt in self.attempts if (attempt.get("gpu") is not None) == gpu]
        return sum(attempt["last_heartbeat"] - attempt["start"] for attempt in chosen) / 3600


def _queue(plans: list[Plan], facts: dict[Key, _Facts]) -> tuple[list[QueuedJob] | None, list[str]]:
    """The queue, asked for only if an unfinished run may be in it; None, and a note, where it is not known."""
    unfinished = {key for key, fact in facts.items() if fact.top1 is None}
    planned = [run.key for plan in plans if plan.means.launcher == "slurm" for run in _runs(plan)]
    if unfinished.isdisjoint(planned):
        return [], []
    try:
        return slurm.queue(), []
    except RunError as error:
        return None, [f"the queue is not known, so states are the runs' own: {error}"]


def _places(plans: Iterable[Plan], queue: list[QueuedJob] | None) -> dict[Key, Place]:
    """The newest job of each run."""
    places: dict[Key, Place] = {}
    for plan in plans:
        if plan.means.launcher == "local":
            places |= _local_places(plan)
            continue
        by_token = {(job.comment, job.id): job for job in queue or []}
        arrays = {job.comment: job.array for job in queue or []}
        for array, planned in enumerate(plan.arrays):
            job = plan.job_of(array) or arrays.get(planned.token)
            if job is None or plan.claimant(array) == ABANDONED:
                continue
            for index, runs in enumerate(planned.jobs):
                name = planned.job_id(job, index)
                queued = by_token.get((planned.token, name))
                place = Place(
                    plan=plan,
                    array=array,
                    index=index,
                    job=name,
                    phase="unknown" if queue is None else _phase(queued),
                    alone=len(runs) == 1,
                    queued=queued,
                )
                places |= {run.key: place for run in runs}
    return places


def _local_places(plan: Plan) -> dict[Key, Place]:
    doing = local.state(plan)["runs"]
    live = set(local.unfinished(plan))
    return {
        run.key: Place(
            plan=plan,
            array=0,
            index=index,
            job=local.job_id(plan),
            phase=doing[index] if index in live else "ended",
            last_words=_last_words(doing[index]),
        )
        for index, run in enumerate(_runs(plan))
    }


def _last_words(doing: str) -> str | None:
    if doing in ("waiting", "running"):
        return "its supervisor ended"
    code = int(doing.removeprefix("ended "))
    return f"killed by signal {-code}" if code < 0 else None


def _phase(queued: QueuedJob | None) -> str:
    if queued is None or not queued.live:
        return "ended"
    return "waiting" if queued.state in ("PENDING", "REQUEUED", "REQUEUE_HOLD", "CONFIGURING") else "running"


def _accounts(facts: dict[Key, _Facts], places: dict[Key, Place]) -> dict[str, str]:
    """sacct's states of the jobs that the queue has forgotten and whose runs are not finished."""
    forgotten = {p.job for key, p in places.items() if facts[key].top1 is None and p.queued is None}
    return slurm.accounting(sorted(job for job in forgotten if job[0].isdigit()))


def _status(key: Key, fact: _Facts, place: Place | None, accounts: dict[str, str]) -> RunStatus:
    name = PlannedRun(variant=key[0], seed=key[1], threads=1).name
    state, detail, cause = _state(name, fact, place, accounts)
    return RunStatus(
        variant=key[0],
        seed=key[1],
        state=state,
        detail=detail,
        cause=cause,
        log=_log(place, name, failed=state == "failed") if place is not None and state != "waiting" else None,
        gpu_hours=fact.hours(gpu=True),
        cpu_hours=fact.hours(gpu=False),
        place=place,
    )


def _state(name: str, fact: _Facts, place: Place | None, accounts: dict[str, str]) -> tuple[str, str, str | None]:
    """State, what there is to say of it, and of a failure its cause."""
    if fact.top1 is not None:
        return "finished", "top-1 " + ", ".join(f"{name} {top1:.2%}" for name, top1 in fact.top1.items()), None
    last = fact.attempts[-1] if fact.attempts else None
    if place is None:
        if last is None:
            return ("failed", fact.damage, fact.damage) if fact.damage else ("not sent", "", None)
        return _by_heartbeat(fact, last)
    attempt = fact.attempt_in(place)
    if place.phase == "waiting":
        return "waiting", _why_waiting(place, attempt), None
    if place.phase == "running":
        if attempt is not None and attempt["end"] is None:
            return "running", progress(attempt, fact.batch_size), None
        if place.alone or place.queued is None:
            ends = place.queued is not None and place.queued.state == "COMPLETING"
            return "running", f"{'ends' if ends else 'starts'}{_on(place)}", None
        return "waiting", f"its turn comes in {place.job}", None
    if place.phase == "unknown" and attempt is None:
        return "unknown", f"job {place.job}, nothing heard from the run yet", None
    if place.phase == "unknown" and attempt is not None and attempt["end"] is None:
        return _by_heartbeat(fact, attempt)
    cause = fact.damage or _cause(name, place, attempt, accounts)
    return "failed", cause, cause


def _by_heartbeat(fact: _Facts, attempt: dict[str, Any]) -> tuple[str, str, str | None]:
    """What an attempt says of itself where nobody else can be asked."""
    if attempt["cause"] is not None:
        cause = "its summary.json is missing" if attempt["cause"] == "finished" else attempt["cause"]
        return "failed", cause, cause
    silence = time.time() - attempt["last_heartbeat"]
    if silence < SILENT_SECONDS:
        return "running", progress(attempt, fact.batch_size), None
    return "unknown", f"silent for {_duration(silence)}", None


def _why_waiting(place: Place, attempt: dict[str, Any] | None) -> str:
    reasons = [place.queued.reason.partition(" ")[0]] if place.queued is not None else []
    if place.queued is not None and place.queued.held:
        reasons = [f"held: {place.queued.reason}, make retry releases it"]
    if attempt is not None:
        reasons.append(f"goes on from epoch {attempt['progress']['epoch']} after: {attempt['cause'] or 'a lost job'}")
    return "; ".join(reason for reason in reasons if reason != "None")


def progress(attempt: dict[str, Any], batch_size: int) -> str:
    """`epoch 3 of 5, 5210 images/s, 0:42 left, on gpu1`; how long it was silent where that is long."""
    said = attempt["progress"]
    words = [f"epoch {min(said['epoch'] + 1, said['epochs'])} of {said['epochs']}"]
    rate = said["images_per_second"]
    if rate:
        steps = said["epochs"] * said["steps"] - said["epoch"] * said["steps"] - said["step"]
        words += [f"{rate:.0f} images/s", f"{_duration(steps * batch_size / rate)} left"]
    silence = time.time() - attempt["last_heartbeat"]
    words += [f"on {attempt['node']}"] + ([f"silent for {_duration(silence)}"] if silence > SILENT_SECONDS else [])
    return ", ".join(words)


def _cause(name: str, place: Place, attempt: dict[str, Any] | None, accounts: dict[str, str]) -> str:
    """Why a run's last job ended without finishing it."""
    own = None if attempt is None else attempt["cause"]
    if own == "finished":
        return "its summary.json is missing"
    if causes.settles(own):
        return str(own)
    said = "" if place.job == local.job_id(place.plan) else causes.tail(batch.job_log(place.plan, place.job))
    state = place.queued.state if place.queued is not None else accounts.get(place.job, "")
    reason = place.queued.reason if place.queued is not None else ""
    own_log = causes.tail(_run_log(place, name, "err"))
    candidates = (
        causes.from_lines(said),
        causes.from_lines(own_log),  # a container's end
        causes.from_state(state, reason),
        place.last_words,  # a supervisor's end, which the run knows as SIGTERM
        own if own in causes.STOPPED else None,
        causes.last_error(own_log) if attempt is None else None,
        causes.last_error(said) if attempt is None else None,
    )
    return next((cause for cause in candidates if cause), causes.ENDED_WITHOUT_A_WORD)


def _log(place: Place, name: str, *, failed: bool) -> Path:
    """The log to read first: of a failure the run's errors, and where it never came so far, the job's own."""
    own = _run_log(place, name, "err" if failed else "out")
    if (own.exists() and (own.stat().st_size or not failed)) or place.job == local.job_id(place.plan):
        return own
    return batch.job_log(place.plan, place.job)


def _run_log(place: Place, name: str, ending: str) -> Path:
    return place.plan.results / place.plan.study / "logs" / f"{name}-{place.job}.{ending}"


def _runs(plan: Plan) -> list[PlannedRun]:
    return [run for array in plan.arrays for job in array.jobs for run in job]


def _on(place: Place) -> str:
    return f" on {place.queued.node}" if place.queued is not None and place.queued.node else ""


def _duration(seconds: float) -> str:
    """`1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
