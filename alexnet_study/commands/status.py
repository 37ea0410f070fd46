"""Where each run of a study is: waiting, running, finished, or failed and why; with or without a SLURM.

alexnet-study status --study skip
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import add_selection, study_parser

WATCH_SECONDS = 30.0  # as often as a controller that serves many may be asked
ON_THEIR_WAY = frozenset(("waiting", "running", "unknown"))
CLEAR = "\033[H\033[2J"


def main(program: str, words: Sequence[str]) -> int:
    """Print the status once, or again and again while something waits or runs."""
    parser = study_parser(program, __doc__)
    add_selection(parser)
    parser.add_argument(
        "--json", action="store_true", help="for scripts; exit code 0: all finished, 3: some on their way, 1: neither"
    )
    parser.add_argument("--watch", action="store_true", help="refresh until nothing waits or runs")
    parser.add_argument("--page", action="store_true", help="also write RESULTS/STUDY/status.html, for a browser")
    arguments = parser.parse_args(words)
    from alexnet_study.cluster.page import write_page
    from alexnet_study.cluster.printing import is_brief, status_json, status_lines
    from alexnet_study.cluster.status.selection import selection_from
    from alexnet_study.cluster.status.study_status import selected, study_status, with_figures
    from alexnet_study.study.study import load_study

    study, results = load_study(arguments.study), Path(os.path.abspath(arguments.results))
    selection = selection_from(study, state=arguments.state, variant=arguments.variant, seeds=arguments.seeds)
    while True:
        status = selected(study_status(study, results), selection)
        if arguments.json or arguments.page or not is_brief(status, whole=bool(selection)):
            status = with_figures(status, study.name, results)
        if arguments.json:
            print(status_json(status))
            return _code({run.state for run in status.runs})
        text = "\n".join(status_lines(status, whole=bool(selection)))
        if arguments.page:
            text += f"\npage: {os.path.relpath(write_page(study.name, status, results))}"
        print(f"{CLEAR}{text}" if arguments.watch and sys.stdout.isatty() else text, flush=True)
        for note in status.notes:
            print(f"note: {note}", file=sys.stderr)
        if not arguments.watch or not any(run.state in ON_THEIR_WAY for run in status.runs):
            return 0
        time.sleep(WATCH_SECONDS)


def _code(states: set[str]) -> int:
    """Return 0 if all runs are finished, 3 while some are on their way, else 1."""
    if states <= {"finished"}:
        return 0
    return 3 if states & ON_THEIR_WAY else 1
