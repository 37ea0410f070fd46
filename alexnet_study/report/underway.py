"""What a report is told of the runs that are not finished: it can't ask a queue itself."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class UnfinishedRun:
    """state: waiting, running, failed or unknown. detail: the epoch, the cause, the reason, in words."""

    variant: str
    seed: int
    state: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Underway:
    """The runs that began or were sent and are not finished, at a time, in words; notes on what is not known."""

    time: str
    runs: tuple[UnfinishedRun, ...]
    notes: tuple[str, ...] = ()
