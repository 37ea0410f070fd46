"""One submitter at a time to a study, on whichever login node: a lease that outlives no crash and needs no flock.

The holder renews it; one that died on this machine is noticed at once, one on another after LEASE_SECONDS without a
sign of life, by the waiting machine's own clock. What is sent is safe even from a holder who was only asleep: see plan.
"""

import contextlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import SoftFileLease, Timeout

from alexnet_study.errors import RequestError, RunError

LEASE_SECONDS = 60.0
PATIENCE_SECONDS = 900.0


@contextlib.contextmanager
def study_lock(folder: Path) -> Iterator[Callable[[], None]]:
    """Hold the lock in `folder`; yields a check to be made before each step that others must not make too.

    RunError where another keeps it for too long, or, from the check, where it was lost.
    """
    lost = threading.Event()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"--results: cannot write {folder}: {error.strerror}") from None
    refuse_others_folder(folder)
    lease = SoftFileLease(
        folder / "lock", lease_duration=LEASE_SECONDS, on_compromise=lambda _: lost.set(), poll_interval=0.2
    )
    try:
        lease.acquire(timeout=2)
    except Timeout:
        print(f"note: another command works on this study (process {lease.pid}); waiting for it", file=sys.stderr)
        try:
            lease.acquire(timeout=PATIENCE_SECONDS)
        except Timeout:
            raise RunError(f"{folder}: another command has worked on this study for {PATIENCE_SECONDS:.0f} s") from None

    def check() -> None:
        if lost.is_set():
            raise RunError(f"{folder}: the lock was lost to another command; start again")

    try:
        yield check
    finally:
        lease.release()


def refuse_others_folder(folder: Path) -> None:
    """Raise RequestError where the folder is another user's, and not shared by group."""
    found = folder.stat()
    if found.st_uid == os.getuid() or (found.st_mode & stat.S_IWGRP and os.access(folder, os.W_OK | os.X_OK)):
        return
    try:
        user = folder.owner()
    except KeyError:
        user = str(found.st_uid)
    raise RequestError(
        f"--results: {folder} belongs to user {user}; expected results of your own, or a folder shared by group "
        "(chmod -R g+rwX, chmod g+s on folders, umask 002); nothing was sent, released or cancelled"
    )
