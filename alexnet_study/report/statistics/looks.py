"""Judging a study at planned numbers of seeds: which look is in force, and what it spends of the study's error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ALPHA = 0.05  # the error of a whole study: of all its claims, at all its looks


class State(StrEnum):
    """What a study's number of seeds allows."""

    INTERIM = "interim"  # before the first look: estimates, no verdict
    JUDGED = "judged"  # at a look, or between two
    REPLICATION = "replication"  # more seeds than the last look: the verdict stays, fresh seeds replicate it


@dataclass(frozen=True, kw_only=True)
class Look:
    """The look in force.

    number: from 1; 0 before the first. n_used: how many seeds the verdict rests on; 0 before the first. share: of the
    error, that this look spends. fresh: finished seeds that the verdict doesn't use.
    """

    state: State
    number: int
    n_used: int
    share: float
    fresh: int


def look_in_force(looks: Mapping[int, float], seeds: int) -> Look:
    """Return the last planned look that `seeds` finished seeds reach.

    looks: the share of the error that is spent at each number of seeds. The verdict of a look rests on the first
    `n_used` seeds in the study's order, not on those that finish first. Raise ValueError for looks that aren't a plan.
    """
    planned = _checked(looks)
    reached = [n for n in planned if n <= seeds]
    if not reached:
        return Look(state=State.INTERIM, number=0, n_used=0, share=0.0, fresh=seeds)
    used = reached[-1]
    state = State.REPLICATION if used == planned[-1] and seeds > used else State.JUDGED
    return Look(state=state, number=len(reached), n_used=used, share=looks[used], fresh=seeds - used)


def adjusted_for_look(holm_p: Sequence[float | None], share: float) -> list[float | None]:
    """Return min(1, p / share) of each Holm-adjusted p of one look, None staying None.

    Comparing it with α is comparing Holm's p with share · α. Holm errs at look k with probability at most shareₖ · α,
    so that all looks together err with at most α Σ shareₖ ≤ α: the union bound, whatever the looks' dependence and
    whichever of their verdicts is kept (Lan and DeMets, Biometrika 70, 1983, use the dependence and are sharper).
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of a look is in (0, 1], not {share}")
    return [None if p is None else min(1.0, p / share) for p in holm_p]


def _checked(looks: Mapping[int, float]) -> list[int]:
    """Return the numbers of seeds, ascending."""
    if not looks or min(looks) < 1 or min(looks.values()) <= 0 or sum(looks.values()) > 1 + 1e-9:
        raise ValueError(f"looks map numbers of seeds to shares above 0 that sum to at most 1, not {dict(looks)}")
    return sorted(looks)
