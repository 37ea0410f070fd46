"""What one simulation is, when its rate is as stated, and the table of many."""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SEEDS = (3, 5, 10, 20)
ERRORS = 4  # standard errors that a rate may be off: by chance once in 16,000 rates

Flags: TypeAlias = NDArray[np.bool_]
Bounds: TypeAlias = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """One rule in one world.

    what: the event that is counted. draw: (generator, n, replications) → whether the event happened, one a replication.
    stated: n → the bounds of the event's true probability, alike where it is known exactly; None for a comparison with
    what the rule replaces, or a description, of which nothing is stated.
    """

    rule: str
    what: str
    draw: Callable[[np.random.Generator, int, int], Flags]
    stated: Callable[[int], Bounds] | None

    def rate(self, n: int, replications: int) -> float:
        """Return the share of replications with the event; the same for the same arguments."""
        seed = zlib.crc32(f"{self.rule}, {self.what}".encode())
        return float(self.draw(np.random.default_rng([seed, n]), n, replications).mean())

    def holds(self, n: int, rate: float, replications: int) -> bool:
        """Return whether a simulated rate is within its own sampling error of what is stated."""
        if self.stated is None:
            return True
        low, high = self.stated(n)
        below, above = (ERRORS * math.sqrt(p * (1 - p) / replications) for p in (low, high))
        return low - below - 1e-9 <= rate <= high + above + 1e-9

    def statement(self, n: int) -> str:
        """Return what is stated, as text."""
        if self.stated is None:
            return "–"
        low, high = self.stated(n)
        if low == high:
            return f"{low:.3f}"
        if low == 0:
            return f"≤ {high:.3f}"
        return f"≥ {low:.3f}" if high == 1 else f"{low:.3f} to {high:.3f}"


def exactly(p: float) -> Callable[[int], Bounds]:
    """Return the statement that the probability is p at every n."""
    return lambda n: (p, p)


def at_most(p: float) -> Callable[[int], Bounds]:
    """Return the statement that the probability is p or less at every n."""
    return lambda n: (0.0, p)


def between(low: float, high: float) -> Callable[[int], Bounds]:
    """Return the statement that the probability lies between the two at every n."""
    return lambda n: (low, high)


def each(replications: int, draw: Callable[[], bool]) -> Flags:
    """Return the flags of replications drawn one by one."""
    return np.fromiter((draw() for _ in range(replications)), dtype=bool, count=replications)


def table(simulations: Sequence[Simulation], rates: Sequence[Sequence[float]], replications: int) -> str:
    """Return a Markdown table: a row a simulation, a column a number of seeds, the rate and what is stated."""
    lines = [
        "| rule | event | " + " | ".join(f"n = {n}" for n in SEEDS) + " | stated | replications |",
        "| --- | --- | " + "--- | " * len(SEEDS) + "--- | --- |",
    ]
    for simulation, row in zip(simulations, rates, strict=True):
        said = list(dict.fromkeys(simulation.statement(n) for n in SEEDS))
        cells = " | ".join(f"{rate:.3f}" for rate in row)
        lines.append(f"| {simulation.rule} | {simulation.what} | {cells} | {', '.join(said)} | {replications:,} |")
    return "\n".join(lines)
