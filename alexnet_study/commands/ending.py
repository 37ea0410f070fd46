"""How a command ends: its exit code, and where it ends early one line that says why."""

import locale
import os
import sys
from collections.abc import Callable, Sequence

from alexnet_study.errors import RequestError, RunError, StoppedError
from alexnet_study.files import UMASK, is_full
from alexnet_study.runs.interruption import INTERRUPTED, UNFINISHED

NOTEBOOKS = ("MPLBACKEND", "MATPLOTLIBRC")  # a notebook's own way to draw, which jobs sent from it inherit
GOES_ON = "start again and the run goes on from its checkpoint"
Command = Callable[[str, Sequence[str]], int]  # from the program's name and its arguments to an exit code


def finish(command: Command, program: str) -> None:
    """Run a command with this process's arguments and exit with its code.

    Where it ends early, one line on standard error says why.

    0 done, 1 a run failed, 2 the request was wrong, 75 a signal ended it: unfinished, start it again.
    """
    _speak_utf8()
    for name in NOTEBOOKS:
        os.environ.pop(name, None)
    if UMASK in os.environ:
        os.umask(int(os.environ[UMASK], 8))
    try:
        code = command(program, sys.argv[1:])
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
    except PermissionError as error:
        code = _say(f"{error.filename or 'a file'}: {error.strerror} for user {os.getuid()}", 2)
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
