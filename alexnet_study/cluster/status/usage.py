"""GPU-hours and CPU-hours that a study's runs used, each life of a job from the job's start to its last sign of life.

Runs that shared a life, side by side or one after another, share its hours evenly. A life in which no run began is not
known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alexnet_study.cluster.launchers.launcher import Key
from alexnet_study.gpu import HIDDEN
from alexnet_study.runs.records import Attempt


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Hours of a run: gpu: times the GPUs that it held. cpu: without any."""

    gpu: float = 0.0
    cpu: float = 0.0


def usage(attempts: Mapping[Key, Iterable[Attempt]]) -> dict[Key, Usage]:
    """Return what each run used, given its attempts."""
    lives: dict[object, list[tuple[Key, Attempt]]] = {}
    for key, own in attempts.items():
        for attempt in own:
            lives.setdefault(_life(key, attempt), []).append((key, attempt))
    found: dict[Key, Usage] = dict.fromkeys(attempts, Usage())
    for sharers in lives.values():
        hours = _covered([attempt for _, attempt in sharers]) / 3600 / len(sharers)
        for key, attempt in sharers:
            gpus = _gpus(attempt)
            before = found[key]
            found[key] = Usage(gpu=before.gpu + hours * gpus, cpu=before.cpu + (0.0 if gpus else hours))
    return found


def _life(key: Key, attempt: Attempt) -> object:
    """Return what attempts have in common that used the same means: a job's life, or a GPU outside of jobs."""
    if attempt.job is not None:
        return attempt.job, attempt.restart, attempt.job_start
    return (attempt.host, attempt.gpu) if _gpus(attempt) else (key, attempt.start)


def _covered(attempts: Iterable[Attempt]) -> float:
    """Return the seconds in which at least one of the attempts, or its job before it, was alive."""
    spans = sorted((_begin(attempt), attempt.last_heartbeat) for attempt in attempts)
    seconds, reached = 0.0, spans[0][0]
    for begin, end in spans:
        seconds += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return seconds


def _begin(attempt: Attempt) -> float:
    return attempt.start if attempt.job_start is None else min(attempt.job_start, attempt.start)


def _gpus(attempt: Attempt) -> int:
    return sum(name not in HIDDEN for name in (attempt.gpu or "").split(","))
