"""Run folders of random numbers, as many as asked for, each with 10,000 predictions: what a report of them costs.

python -m benchmarks.synthetic_runs 100 /tmp/results
"""

import dataclasses
import sys
from pathlib import Path

from alexnet_study.study.study import load_study
from tests.report.synthetic import write_runs


def main() -> None:
    count, results = int(sys.argv[1]), Path(sys.argv[2])
    study = load_study(Path("jobs/studies/skip.yaml"))
    seeds = tuple(range(count // len(study.variants)))
    write_runs(dataclasses.replace(study, seeds=seeds), results, images=10_000, kept=1000)


if __name__ == "__main__":
    main()
