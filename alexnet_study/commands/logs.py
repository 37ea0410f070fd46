"""What one run wrote: its output and its errors in its newest job, once or as it grows.

alexnet-study logs --study skip --variant skip --seed 0 --follow
"""

import time
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import study_parser
from alexnet_study.errors import RequestError, StoppedError

FOLLOW_SECONDS = 1.0


def main(program: str, words: Sequence[str]) -> int:
    """Print the logs; with --follow until a signal ends it."""
    parser = study_parser(program, __doc__)
    parser.add_argument("--variant", required=True, metavar="NAME", help="one of the study's variants")
    parser.add_argument("--seed", required=True, type=int, metavar="N", help="one of its seeds")
    parser.add_argument("--follow", action="store_true", help="go on printing what is added, until Ctrl-C")
    arguments = parser.parse_args(words)
    from alexnet_study.study.study import load_study

    run = load_study(arguments.study).run(arguments.variant, arguments.seed)
    folder = arguments.results / run.study / "logs"
    shown: dict[Path, int] = {}
    try:
        while True:
            for path in newest_logs(folder, f"{run.variant}-seed-{run.seed}"):
                shown[path] = _print_from(path, shown.get(path, 0))
            if not arguments.follow:
                return 0
            time.sleep(FOLLOW_SECONDS)
    except StoppedError:
        return 0


def newest_logs(folder: Path, run: str) -> list[Path]:
    """Return output and errors of the run's newest job; raise RequestError if it has none yet."""
    found = sorted(folder.glob(f"{run}-*.out"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise RequestError(f"{folder}: no log of {run} yet; make status tells where the run is")
    return [found[-1], found[-1].with_suffix(".err")]


def _print_from(path: Path, offset: int) -> int:
    """Print what a log holds after `offset` bytes, under its name the first time; return where it ends now."""
    with path.open("rb") as file:
        file.seek(offset)
        added = file.read()
    if added:
        heading = "" if offset else f"==> {path} <==\n"
        print(heading + added.decode(errors="replace"), end="", flush=True)
    return offset + len(added)
