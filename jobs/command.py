"""What the entry points share: options, and how a command ends."""

import argparse
import locale
import os
import sys
from collections.abc import Callable
from pathlib import Path

from alexnet_study.errors import RequestError, RunError, StoppedError
from alexnet_study.files import UMASK, is_full
from alexnet_study.runs.interruption import INTERRUPTED, UNFINISHED

STUDY = Path("jobs/studies/skip.yaml")
GOES_ON = "start again and the run goes on from its checkpoint"


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
    from alexnet_study.data.sources import expected_data  # takes a moment, which no other command needs

    parser.add_argument("--data", metavar="SOURCE", help=f"{expected_data()} (the study's)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where decoded data is kept (beside the source)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="override, as recipe.epochs=1"
    )
    parser.add_argument(
        "--allow-inexact-resume",
        action="store_true",
        help="go on from a checkpoint of another device model or other versions; it is recorded as not bit-exact",
    )


def finish(main: Callable[[], int]) -> None:
    """Run `main` and exit with its code; where it ends early, one line on standard error says why.

    0 done, 1 a run failed, 2 the request was wrong, 75 a signal ended it: unfinished, start it again.
    """
    _speak_utf8()
    if UMASK in os.environ:
        os.umask(int(os.environ[UMASK], 8))
    try:
        code = main()
        sys.stdout.flush()
    except (RequestError, RunError) as error:
        code = _say(str(error), 2 if isinstance(error, RequestError) else 1)
    except StoppedError as error:
        code = _say(f"stopped: {error}; {GOES_ON}", UNFINISHED)
    except KeyboardInterrupt:
        code = _say(f"stopped: {INTERRUPTED}; {GOES_ON}", 1)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if not is_full(error):
            raise
        code = _say(f"{error.filename or 'a file'}: {error.strerror}; free some space and start again", 1)
    sys.stdout.flush()
    sys.exit(code)


def _speak_utf8() -> None:
    """Start this process anew in UTF-8 mode where the locale has another encoding: files and paths here are UTF-8."""
    if not sys.flags.utf8_mode and locale.getencoding().lower() not in ("utf-8", "utf8"):
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _say(text: str, code: int) -> int:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    return code
