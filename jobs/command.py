"""What the entry points share: options, and how a command ends."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from alexnet_study.errors import RequestError, RunError

STUDY = Path("jobs/studies/skip.yaml")


class Parser(argparse.ArgumentParser):
    """argparse, whose mistakes are one line on standard error and exit code 2."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """End with one line."""
        raise RequestError(f"{message}; see {self.prog} --help")


def study_parser(module: str, description: str | None) -> Parser:
    """A parser with the options that every command has."""
    parser = Parser(prog=f"python -m {module}", description=description)
    parser.add_argument("--study", type=Path, default=STUDY, metavar="FILE", help=f"the study file ({STUDY})")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="root of all results (results)"
    )
    return parser


def add_training_options(parser: Parser) -> None:
    """Options of the commands that train."""
    parser.add_argument(
        "--data", metavar="SOURCE", help="cifar10, digits, or a folder with train/ and test/ (the study's)"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where decoded data is kept (beside the source)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="override, as recipe.epochs=1"
    )


def finish(main: Callable[[], int]) -> None:
    """Run `main` and exit with its code: 0 done, 1 a run failed, 2 the request was wrong (one line says how)."""
    try:
        code = main()
    except (RequestError, RunError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2 if isinstance(error, RequestError) else 1
    except KeyboardInterrupt:
        print("error: interrupted; start again and the run goes on from its checkpoint", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.exit(code)
