"""Two CSV files: all figures of all runs, and their learning curves, both tidy."""

from pathlib import Path

from alexnet_study.api import Runs
from alexnet_study.files import write_atomically


def export(runs: Runs, target: str) -> str:
    """Write figures.csv and epochs.csv into the folder `target`; return what was written."""
    folder = Path(target)
    for name, frame in (("figures.csv", runs.frame()), ("epochs.csv", runs.epochs())):
        write_atomically(folder / name, frame.to_csv(index=False).encode())
    return f"figures.csv and epochs.csv in {folder}"
