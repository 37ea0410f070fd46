"""Every rule of judging, simulated: how often it errs, or covers, at 3, 5, 10 and 20 seeds."""

from benchmarks.simulations import intervals, vectors, verdicts
from benchmarks.simulations.simulation import Simulation

SIMULATIONS: tuple[Simulation, ...] = (*vectors.SIMULATIONS, *verdicts.SIMULATIONS, *intervals.SIMULATIONS)

__all__ = ["SIMULATIONS", "Simulation"]
