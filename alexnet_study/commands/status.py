"""Where each run of a study is: waiting, running, finished, or failed and why; with or without a SLURM.

alexnet-study status --study skip
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import study_parser

WATCH_SECONDS = 30.0  # as often as a controller that serves many may be asked
CLEAR = "\033[H\033[2J"


def main(program: str, words: Sequence[str]) -> int:
    """Print the status once, or again and again while something waits or runs."""
    parser = study_parser(program, __doc__)
    parser.add_argument("--watch", action="store_true", help="refresh until nothing waits or runs")
    arguments = parser.parse_args(words)
    from alexnet_study.cluster.printing import status_lines
    from alexnet_study.cluster.status.study_status import study_status
    from alexnet_study.study.study import load_study

    study, results = load_study(arguments.study), Path(os.path.abspath(arguments.results))
    while True:
        status = study_status(study, results)
        text = "\n".join(status_lines(status))
        print(f"{CLEAR}{text}" if arguments.watch and sys.stdout.isatty() else text, flush=True)
        for note in status.notes:
            print(f"note: {note}", file=sys.stderr)
        if not arguments.watch or not any(run.state in ("waiting", "running", "unknown") for run in status.runs):
            return 0
        time.sleep(WATCH_SECONDS)
