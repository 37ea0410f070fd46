"""Print a table of the size, coverage or power of every rule, and fail where one isn't as stated.

python -m benchmarks.simulations [--replications 10000] [--only WORD]
"""

import argparse
import sys

from benchmarks.simulations import SIMULATIONS
from benchmarks.simulations.simulation import SEEDS, table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replications", type=int, default=10_000)
    parser.add_argument("--only", default="", help="only rules whose name holds this word")
    arguments = parser.parse_args()
    chosen = [simulation for simulation in SIMULATIONS if arguments.only in simulation.rule]
    rates = []
    for simulation in chosen:
        print(f"  {simulation.rule}: {simulation.what}", file=sys.stderr, flush=True)
        rates.append([simulation.rate(n, arguments.replications) for n in SEEDS])
    print(table(chosen, rates, arguments.replications))
    astray = [
        f"{simulation.rule}, {simulation.what}, n = {n}: {rate:.3f}"
        for simulation, row in zip(chosen, rates, strict=True)
        for n, rate in zip(SEEDS, row, strict=True)
        if not simulation.holds(n, rate, arguments.replications)
    ]
    if astray:
        sys.exit("not as stated:\n" + "\n".join(astray))


if __name__ == "__main__":
    main()
