"""A study's finished runs for other tools: TensorBoard, MLflow, CSV files, folders for the Hugging Face hub.

alexnet-study export --to tensorboard results/skip
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import Parser
from alexnet_study.errors import RequestError
from alexnet_study.exporting.table import EXPORTERS, export_runs


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = Parser(prog=program, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", required=True, choices=tuple(EXPORTERS), help="the tool")
    parser.add_argument(
        "--target",
        metavar="WHERE",
        help="a folder, or of mlflow a tracking server's address (RESULTS/export/…, a file of SQLite there)",
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="a study's folder, as results/skip")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Export what is finished; say what was written, and what was left out."""
    arguments = parser(program).parse_args(words)
    from alexnet_study.api import load_runs

    runs = load_runs(arguments.results)
    for path, reason in runs.left_out.items():
        print(f"left out: {path}: {reason}", file=sys.stderr)
    if not len(runs):
        raise RequestError(f"{arguments.results}: no finished run; expected at least one")
    print(export_runs(runs, arguments.to, arguments.target or _default(arguments.results, arguments.to)))
    return 0


def _default(results: Path, to: str) -> str:
    folder = results / "export"
    if to != "mlflow":
        return str(folder / to)
    folder.mkdir(exist_ok=True)
    return f"sqlite:///{(folder / 'mlflow.db').absolute()}"
