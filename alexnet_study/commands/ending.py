"""How a command ends: its exit code, and where it ends early one line that says why.

This module is the first that a process imports, and imports little: what comes later is under the eyes of `finish`.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from alexnet_study.errors import RequestError, RunError, StoppedError, notes_of
from alexnet_study.runs.interruption import SIGNALS, UNFINISHED, Interruption

NOTEBOOKS = ("MPLBACKEND", "MATPLOTLIBRC")  # a notebook's own way to draw, which jobs sent from it inherit
INTERRUPTED = "interrupted"
GOES_ON = "the same command goes on"
Command = Callable[[str, Sequence[str]], int]  # from the program's name and its arguments to an exit code


def finish(command: Command | str, program: str) -> None:
    """Run a command, or the one that a text names, with this process's arguments and exit with its code.

    Where it ends early, one line on standard error says why. A signal ends a command that doesn't take it by itself.

    0 done, 1 a run failed, 2 the request was wrong, 75 a signal ended it: unfinished, start it again.
    """
    watch = Interruption(INTERRUPTED).install()
    try:
        code = _outcome(command, program, watch)
    except BaseException as error:  # a library may have made an error of its own of the signal
        if watch.cause is None and not isinstance(error, KeyboardInterrupt):
            raise
        print(INTERRUPTED, file=sys.stderr)
        code = UNFINISHED
    for number in (*SIGNALS, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # it has ended
    sys.exit(code)


def command_named(name: str) -> Command:
    """Return the command of a name such as `gpu_check`, from its module."""
    command: Command = importlib.import_module(f"alexnet_study.commands.{name}").main
    return command


def _outcome(command: Command | str, program: str, watch: Interruption) -> int:
    """Return the exit code; what ends the command early has been said, unless it is the watch's."""
    from alexnet_study.files import UMASK, is_full

    _speak_utf8()
    for name in NOTEBOOKS:
        os.environ.pop(name, None)
    if UMASK in os.environ:
        os.umask(int(os.environ[UMASK], 8))
    carry_out = command_named(command) if isinstance(command, str) else command
    try:
        with watch.raising():
            code = carry_out(program, sys.argv[1:])
        sys.stdout.flush()
    except (RequestError, RunError) as error:
        code = _say(str(error), 2 if isinstance(error, RequestError) else 1)
    except StoppedError as error:
        watch.check()
        code = _say("; ".join([f"stopped: {error}", *dict.fromkeys(notes_of(error)), GOES_ON]), UNFINISHED)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except PermissionError as error:
        code = _say(f"{error.filename or 'a file'}: {error.strerror} for user {os.getuid()}", 2)
    except (FileExistsError, NotADirectoryError) as error:
        code = _say(f"{_file_in_the_way(error)}: a file; expected a folder", 2)
    except IsADirectoryError as error:
        code = _say(f"{error.filename or 'a path'}: a folder; expected a file", 2)
    except OSError as error:
        if not is_full(error):
            raise
        code = _say(f"{error.filename or 'a file'}: {error.strerror}; free some space and start again", 1)
    sys.stdout.flush()
    return code


def _file_in_the_way(error: OSError) -> object:
    """The first of the path's folders that is there and is none; the path itself where there is none of these."""
    path = Path(os.fsdecode(error.filename or "a path"))
    return next((place for place in (*reversed(path.parents), path) if place.is_file()), path)


def _speak_utf8() -> None:
    """Start this process anew in UTF-8 mode where the locale has another encoding: files and paths here are UTF-8."""
    import locale

    if not sys.flags.utf8_mode and locale.getencoding().lower() not in ("utf-8", "utf8"):
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _say(text: str, code: int) -> int:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    return code
