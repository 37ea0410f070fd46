"""One process of a job that keeps nothing of its work until it is done: the report, or the check of a GPU."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import BinaryIO

from alexnet_study.cluster.node.pool import FAILED
from alexnet_study.runs.interruption import SIGNALS, UNFINISHED, is_time_limit

OUT_OF_TIME = "error: the time limit came before it was done; expected more minutes"


def carry_out(command: Sequence[str], environment: Mapping[str, str], output: BinaryIO | None = None) -> int:
    """Carry out one process, which gets this one's signals too; return its exit code.

    What a signal ended is UNFINISHED, but FAILED where the time limit sent it: once more it would come no further.
    """
    came: list[tuple[int, float]] = []
    process: subprocess.Popen[bytes] | None = None

    def warned(number: int, _: FrameType | None) -> None:
        came.append((number, time.time()))
        if process is not None:
            process.send_signal(number)

    previous = {number: signal.signal(number, warned) for number in SIGNALS}
    try:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        for number, _ in list(came):
            process.send_signal(number)  # it came while the process was started
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not came or code not in (UNFINISHED, *(-number for number in SIGNALS)):
        return code
    if not any(is_time_limit(*each) for each in came):
        return UNFINISHED
    print(OUT_OF_TIME, file=sys.stderr)
    return FAILED
