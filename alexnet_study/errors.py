"""The two ways a command ends early: the request was wrong, or a run failed."""


class RequestError(Exception):
    """The request cannot be carried out as given. One line: what is wrong, where, what would be right. Exit code 2."""


class RunError(Exception):
    """A run started and failed for a reason outside the request, such as a full disk. One line. Exit code 1."""
