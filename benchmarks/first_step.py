"""`jobs.train` up to the end of its first step, then nothing more: its whole process is what is timed.

python benchmarks/first_step.py DATA RESULTS
"""

import os
import runpy
import sys


def main() -> None:
    from alexnet_study.training.state import TrainingState

    take = TrainingState.take_step

    def take_and_end(self: TrainingState, *arguments: object) -> None:
        take(self, *arguments)  # type: ignore[arg-type]
        os._exit(0)

    TrainingState.take_step = take_and_end  # type: ignore[method-assign, assignment]
    data, results = sys.argv[1:]
    sys.argv = ["jobs.train", "--variant", "baseline", "--seed", "0", "--data", data, "--results", results]
    runpy.run_module("jobs.train", run_name="__main__")


if __name__ == "__main__":
    main()
