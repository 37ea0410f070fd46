"""The ways a command ends early: the request was wrong, a run failed, or it was stopped and can go on."""


class RequestError(Exception):
    """The request cannot be carried out as given. One line: what is wrong, where, what would be right. Exit code 2."""


class RunError(Exception):
    """A run started and failed for a reason outside the request, such as a full disk. One line. Exit code 1."""


class DamagedRunError(Exception):
    """A run folder's file is not what was written; the message names the file and the damage."""


class ReplacedError(RunError):
    """A newer attempt has taken the run over: this process must not write into its folder any more. Exit code 1."""


class LostGpuError(RunError):
    """The GPU answers no more: nothing that this process asks of it will work again. One line. Exit code 1.

    The run goes on from its checkpoint in another process, better on another node.
    """


class StoppedError(BaseException):
    """A signal asked the process to end; the run goes on when started again. Names the cause. Exit code 75.

    Like KeyboardInterrupt it may arrive anywhere, so it is no Exception that code on the way might take for its own.
    Its notes (`add_note`) say what is kept, for the one line that the user sees.
    """


def notes_of(error: BaseException) -> list[str]:
    """Return what was noted on an error on its way."""
    return list(getattr(error, "__notes__", []))
