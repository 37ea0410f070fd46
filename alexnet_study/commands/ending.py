"""How a command ends: its exit code, and where it ends early one line that says why."""

import os
import sys
from collections.abc import Callable, Sequence

from alexnet_study.errors import RequestError, RunError, StoppedError
from alexnet_study.files import UMASK, is_full
from alexnet_study.runs.interruption import INTERRUPTED, UNFINISHED

GOES_ON = "start again and the run goes on from its checkpoint"
Command = Callable[[str, Sequence[str]], int]  # from the program's name and its arguments to an exit code


def finish(command: Command, program: str) -> None:
    """Run a command with this process's arguments and exit with its code.

    Where it ends early, one line on standard error says why.

    0 done, 1 a run failed, 2 the request was wrong, 75 a signal ended it: unfinished, start it again.
    """
    if UMASK in os.environ:
        os.umask(int(os.environ[UMASK], 8))
    try:
        code = command(program, sys.argv[1:])
    except (RequestError, RunError) as error:
        code = _say(str(error), 2 if isinstance(error, RequestError) else 1)
    except StoppedError as error:
        code = _say(f"stopped: {error}; {GOES_ON}", UNFINISHED)
    except KeyboardInterrupt:
        code = _say(f"stopped: {INTERRUPTED}; {GOES_ON}", 1)
    except OSError as error:
        if not is_full(error):
            raise
        code = _say(f"{error.filename or 'a file'}: {error.strerror}; free some space and start again", 1)
    sys.stdout.flush()
    sys.exit(code)


def _say(text: str, code: int) -> int:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    return code
