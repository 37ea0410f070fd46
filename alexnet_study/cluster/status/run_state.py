"""What a run does: from its own attempts first, then its job's logs, the queue, and accounting if there is any."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.cluster.launchers.launcher import NEVER_RAN, SentJob
from alexnet_study.cluster.launchers.table import launcher_of
from alexnet_study.cluster.plans.lives import recorded
from alexnet_study.cluster.status import causes
from alexnet_study.cluster.status.run_facts import RunFacts
from alexnet_study.cluster.status.waiting import why_waiting
from alexnet_study.runs.records import Attempt
from alexnet_study.wording import duration

SILENT_SECONDS = 60.0  # heartbeats come every few seconds


@dataclass(frozen=True, kw_only=True)
class RunState:
    """name: waiting, running, finished, failed, unknown or `not sent`. detail: in words.

    cause: of a failure, or of a cancellation before the start.
    """

    name: str
    detail: str = ""
    cause: str | None = None


def run_state(run: str, facts: RunFacts, job: SentJob | None, accounts: Mapping[str, str]) -> RunState:
    """Return the state of a run, `skip-seed-0`, whose newest job is `job`; accounts: ended jobs' states by id."""
    if facts.finished:
        return RunState(name="finished")
    if job is None:
        if facts.attempts:
            return _by_heartbeat(facts, facts.attempts[-1])
        return _failed(facts.damage) if facts.damage else RunState(name="not sent")
    attempt = _of_last_life(run, job, facts.attempt_in(job))
    if job.phase == "waiting":
        return RunState(name="waiting", detail=_why_waiting(job, attempt))
    if job.phase == "running":
        return _running(facts, job, attempt)
    if job.phase == "unknown" and attempt is None:
        return RunState(name="unknown", detail=f"job {job.id}, nothing heard from the run yet")
    if job.phase == "unknown" and attempt is not None and attempt.end is None:
        return _by_heartbeat(facts, attempt)
    if attempt is None and job.last_words == NEVER_RAN:
        return RunState(name="not sent", detail=NEVER_RAN, cause=NEVER_RAN)
    return _failed(facts.damage or _cause(run, job, attempt, accounts))


def run_log(job: SentJob, run: str, *, failed: bool) -> Path:
    """Return the log to read first: of a failure the run's errors, and where it never came so far, the job's own."""
    own = _own_log(job, run, "err" if failed else "out")
    job_log = launcher_of(job.plan).log(job)
    if (own.exists() and (own.stat().st_size or not failed)) or job_log is None:
        return own
    return job_log


def progress(attempt: Attempt, batch_size: int) -> str:
    """Return `epoch 3 of 5, 5210 images/s, 0:42 left, on gpu1`, and how long it was silent where that is long."""
    said = attempt.progress
    words = [f"epoch {min(said.epoch + 1, said.epochs)} of {said.epochs}"]
    rate = said.images_per_second
    if rate:
        steps = said.epochs * said.steps - said.epoch * said.steps - said.step
        words += [f"{rate:.0f} images/s", f"{duration(steps * batch_size / rate)} left"]
    silence = time.time() - attempt.last_heartbeat
    words += [f"on {attempt.node}"] + ([f"silent for {duration(silence)}"] if silence > SILENT_SECONDS else [])
    return ", ".join(words)


def _failed(cause: str) -> RunState:
    return RunState(name="failed", detail=cause, cause=cause)


def _running(facts: RunFacts, job: SentJob, attempt: Attempt | None) -> RunState:
    if attempt is not None and attempt.end is None:
        return RunState(name="running", detail=progress(attempt, facts.batch_size))
    if len(job.runs) == 1 or job.queued is None:
        ends = job.queued is not None and job.queued.state == "COMPLETING"
        node = f" on {job.queued.node}" if job.queued is not None and job.queued.node else ""
        return RunState(name="running", detail=f"{'ends' if ends else 'starts'}{node}")
    return RunState(name="waiting", detail=f"its turn comes in {job.id}")


def _by_heartbeat(facts: RunFacts, attempt: Attempt) -> RunState:
    """Return what an attempt says of itself where nobody else can be asked."""
    if attempt.cause is not None:
        return _failed("its summary.json is missing" if attempt.cause == "finished" else attempt.cause)
    silence = time.time() - attempt.last_heartbeat
    if silence < SILENT_SECONDS:
        return RunState(name="running", detail=progress(attempt, facts.batch_size))
    return RunState(name="unknown", detail=f"silent for {duration(silence)}")


def _why_waiting(job: SentJob, attempt: Attempt | None) -> str:
    minutes = job.plan.profile_of(job.array).minutes
    reasons = [why_waiting(job.queued, minutes=minutes)] if job.queued is not None else []
    if attempt is not None:
        said = attempt.progress
        reached = f"goes on from its checkpoint, had come to epoch {min(said.epoch + 1, said.epochs)} of {said.epochs}"
        reasons.append(f"{reached}; after: {_why_returned(job, attempt)}")
    return "; ".join(reason for reason in reasons if reason)


def _why_returned(job: SentJob, attempt: Attempt) -> str:
    """Return why a job that waits again ended before: of SIGTERM only the daemons' lines tell what it meant."""
    if attempt.cause is not None and causes.settles(attempt.cause):
        return attempt.cause
    log = launcher_of(job.plan).log(job)
    said = None if log is None else causes.why_returned(causes.tail(log))
    return said or attempt.cause or "a lost job"


def _cause(run: str, job: SentJob, attempt: Attempt | None, accounts: Mapping[str, str]) -> str:
    """Return why a run's last job ended without finishing it."""
    own_log = causes.tail(_own_log(job, run, "err"))
    given_up = causes.given_up(own_log)
    if given_up is not None:
        return given_up
    own = None if attempt is None else attempt.cause
    if own == "finished":
        return "its summary.json is missing"
    if own is not None and causes.settles(own):
        return own
    log = launcher_of(job.plan).log(job)
    said = "" if log is None else causes.tail(log)
    state = job.queued.state if job.queued is not None else accounts.get(job.id, "")
    reason = job.queued.reason if job.queued is not None else ""
    candidates = (
        causes.from_lines(said),
        causes.from_lines(own_log),  # a container's end
        causes.from_state(state, reason),
        None if job.last_words == NEVER_RAN else job.last_words,  # a supervisor's end, which the run knows as SIGTERM
        own if own in causes.STOPPED else None,
        causes.last_error(own_log) if attempt is None else None,
        causes.last_error(said) if attempt is None else None,
        # SLURM forgets an array's waiting tasks at once when it cancels them
        NEVER_RAN if log is not None and not log.exists() and not recorded(job.plan, run) else None,
    )
    return next((cause for cause in candidates if cause), causes.ENDED_WITHOUT_A_WORD)


def _of_last_life(run: str, job: SentJob, attempt: Attempt | None) -> Attempt | None:
    """Return the attempt, None if the job started the run again since and that life made none."""
    if attempt is None or attempt.restart >= max(recorded(job.plan, run), default=0):
        return attempt
    return None


def _own_log(job: SentJob, run: str, ending: str) -> Path:
    return job.plan.results / job.plan.study / "logs" / f"{run}-{job.id}.{ending}"
