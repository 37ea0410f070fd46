"""Options that several commands take."""

import argparse
from pathlib import Path
from typing import NoReturn

from alexnet_study.errors import RequestError
from alexnet_study.gpu import DEVICES
from alexnet_study.shipped import STUDIES

STUDY = "skip"


class Parser(argparse.ArgumentParser):
    """argparse, whose mistakes are one line on standard error and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Raise RequestError."""
        raise RequestError(f"{message}; see {self.prog} --help")


def study_parser(program: str, documentation: str | None) -> Parser:
    """Return a parser with the options that every command has; its description is the documentation's first line."""
    parser = Parser(prog=program, description=(documentation or "").splitlines()[0])
    parser.add_argument(
        "--study",
        type=STUDIES.find,
        default=STUDY,
        metavar="STUDY",
        help=f"a study file, or one of {', '.join(STUDIES.names())} ({STUDY})",
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="root of all results (results)"
    )
    return parser


def add_selection(parser: Parser) -> None:
    """Add the options that choose among a study's runs."""
    parser.add_argument("--state", default="", metavar="STATES", help="only runs in these states, as failed,unknown")
    parser.add_argument("--variant", default="", metavar="NAMES", help="only runs of these variants")
    parser.add_argument("--seeds", default="", metavar="SEEDS", help="only runs with these seeds, as 0,2,5 or 0-9")


def add_data_options(parser: Parser) -> None:
    """Add what the data is, where it is kept, and overrides of the study."""
    from alexnet_study.data.sources import expected_data  # takes a moment, which no other command needs

    parser.add_argument("--data", metavar="SOURCE", help=f"{expected_data()} (the study's)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where decoded data is kept (beside the source)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="override, as recipe.epochs=1"
    )


def add_verify_option(parser: Parser) -> None:
    """Add the wish to compare all of the data's files with what was decoded, of the commands that decode here."""
    parser.add_argument("--verify", action="store_true", help="read every file again, not a sample, to find changes")


def add_training_options(parser: Parser) -> None:
    """Add the options of the commands that train."""
    add_data_options(parser)
    parser.add_argument(
        "--allow-inexact-resume",
        action="store_true",
        help="go on from a checkpoint of another device model or other versions; it is recorded as not bit-exact",
    )


def add_device_option(parser: Parser) -> None:
    """Add the choice of the device, of the commands that compute in this process."""
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="cuda: a GPU, or an error that says why none can be used; auto: a GPU where one works (auto)",
    )
