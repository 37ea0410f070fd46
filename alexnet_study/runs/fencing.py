"""Who may write into a run folder: the newest attempt, even while an older one lives on, on a node that was given up.

An attempt stages its files in a folder of its own, `.attempt-<token>/`, and publishes each by a rename out of it. A
newer attempt moves that folder into its own, and deletes it, before it reads or writes anything. From then on every
rename of the older one fails, since its source is gone: checking the token and renaming are one operation of the file
system, and so are checking one's own and taking another's. Nothing depends on locks, on the clocks of two machines
agreeing, or on the older process being dead.
"""

import dataclasses
import errno
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.errors import ReplacedError
from alexnet_study.files import write_atomically

BEAT_SECONDS = 5.0
SILENCE_SECONDS = 20.0  # a holder whose heartbeat stood still for so long is taken for dead
HANDOVER_SECONDS = 60.0  # a living holder is given so long to end by itself
POLL_SECONDS = 0.5
STAGING, REMOVED = ".attempt-", ".removed-"
PROCESS, BEAT = "process.json", "beat"
REPLACED = "replaced by a newer attempt"


@dataclass(frozen=True, kw_only=True)
class Token:
    """Names an attempt and orders attempts: a later one has the greater `rank`."""

    number: int
    restart: int
    job: str
    unique: str

    @classmethod
    def parse(cls, text: str) -> "Token | None":
        """Return the token of a staging folder's name, None where it is none."""
        match = re.fullmatch(r"(\d+)\.(\d+)\.([\w-]+)\.([0-9a-f]+)", text)
        if match is None:
            return None
        return cls(number=int(match[1]), restart=int(match[2]), job=match[3], unique=match[4])

    def __str__(self) -> str:
        return f"{self.number:06}.{self.restart}.{self.job}.{self.unique}"

    @property
    def rank(self) -> tuple[int, int, str]:
        """Return what orders attempts: numbers follow arrival; two of one number are restarts, or arrived at once."""
        return self.number, self.restart, self.unique


@dataclass(frozen=True, kw_only=True)
class Process:
    """Enough of a process to tell, on the same machine, that it is gone."""

    boot: str
    namespace: str  # of process ids: a container has its own
    pid: int
    started: int  # clock ticks after the boot, so that a pid given anew is told apart

    @classmethod
    def current(cls) -> "Process | None":
        """Return this process; None where the system has no /proc."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            namespace, started = os.readlink("/proc/self/ns/pid"), _started(os.getpid())
        except OSError:
            return None
        return cls(boot=boot, namespace=namespace, pid=os.getpid(), started=started or 0)

    def is_gone(self) -> bool:
        """Return whether it has provably ended; False where this machine cannot know."""
        here = Process.current()
        if here is None or (here.boot, here.namespace) != (self.boot, self.namespace):
            return False
        return _started(self.pid) != self.started


class Fence:
    """This process's claim to a run folder, and its hold on it from `take_over` to `release`."""

    def __init__(self, folder: Path, *, job: str, restart: int) -> None:
        self.folder = folder
        job = re.sub(r"[^A-Za-z0-9_-]", "-", job)
        rivals = staging_folders(folder)
        later = [
            token.number for token in rivals if token.job == job and token.restart > restart
        ]  # restarts of this job
        number = min(later) if later else 1 + max((token.number for token in rivals), default=0)
        self.token = Token(number=number, restart=restart, job=job, unique=uuid.uuid4().hex[:8])
        self.staging = folder / f"{STAGING}{self.token}"
        self.staging.mkdir(parents=True)
        process = Process.current()
        (self.staging / PROCESS).write_text(json.dumps(process and dataclasses.asdict(process)))

    def take_over(self) -> list[Token]:
        """Wait until no other attempt lives, or the time for handing over is up; then fence all others off.

        Returns those that were still alive. ReplacedError where a newer attempt is seen to live.
        """
        watch = _Watch()
        replaced: dict[Token, None] = {}  # in order
        deadline = time.monotonic() + HANDOVER_SECONDS
        while True:
            self.beat()
            rivals = self._rivals()
            living = watch.living(rivals)
            newer = [token for token in living if token.rank > self.token.rank]
            if any(watch.has_beaten(token) for token in newer):
                raise ReplacedError(REPLACED)
            if not living or (not newer and time.monotonic() > deadline):
                replaced |= dict.fromkeys(living)
                if self._take([*rivals.values(), *self.folder.glob(f"{REMOVED}*")]):
                    self.beat()  # where a third one took this one's folder, what that held is out of sight, not deleted
                    return list(replaced)
            time.sleep(POLL_SECONDS)

    def superseded(self) -> bool:
        """Return whether a newer attempt waits for this one to end, or has fenced it off."""
        return not self.staging.is_dir() or any(token.rank > self.token.rank for token in self._rivals())

    def beat(self) -> None:
        """Show the others that this attempt lives; raise ReplacedError if it was fenced off."""
        with self._held():
            (self.staging / BEAT).write_text(str(time.monotonic_ns()))

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Publish a file of the run folder; raise ReplacedError, nothing changed, if this attempt was fenced off."""
        with self._held():
            write_atomically(path, content, staging=self.staging)

    def drop(self, path: Path) -> None:
        """Remove a file of the run folder where there is one; ReplacedError likewise."""
        if path.exists():
            with self._held():
                try:
                    os.replace(path, self.staging / path.name)
                except FileNotFoundError:  # a network file system told late that it was gone, or lost a reply
                    if not self.staging.is_dir():
                        raise
                (self.staging / path.name).unlink(missing_ok=True)

    def release(self) -> None:
        """Give the folder up."""
        _remove(self.staging)

    def _take(self, folders: list[Path]) -> bool:
        """Make every later rename out of these folders fail; return whether none of them was gone.

        Each is moved into this attempt's own. Of two that take each other the first wins: the other's folder is then
        gone, or would be moved into itself (EINVAL). A process on another machine may keep a network file system's
        handle of its folder, and write until that is deleted. A folder that was gone may live on inside a third one's:
        the caller looks again.
        """
        found = True
        for folder in folders:
            inside = self.staging / f"{REMOVED}{uuid.uuid4().hex}"
            try:
                os.rename(folder, inside)
            except OSError as error:
                if error.errno == errno.EINVAL or not self.staging.is_dir():
                    raise ReplacedError(REPLACED) from None
                if error.errno not in (errno.ENOENT, errno.ESTALE):
                    raise
                found = False
            _delete(inside)
        return found

    def _rivals(self) -> dict[Token, Path]:
        return {token: path for token, path in staging_folders(self.folder).items() if token != self.token}

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESTALE) and not self.staging.is_dir():
                raise ReplacedError(REPLACED) from None
            raise


class _Watch:
    """Which rivals live, as far as one can see from here: their heartbeats, by this machine's clock alone."""

    def __init__(self) -> None:
        self._first: dict[Token, str] = {}
        self._last: dict[Token, tuple[str, float]] = {}  # heartbeat, and when it was first seen

    def living(self, rivals: dict[Token, Path]) -> list[Token]:
        """Return those that are not provably gone and whose heartbeat has not stood still for too long."""
        return [token for token, path in rivals.items() if not _is_gone(path) and not self._silent(token, path)]

    def has_beaten(self, token: Token) -> bool:
        """Return whether its heartbeat changed while it was watched."""
        return self._last[token][0] != self._first[token]

    def _silent(self, token: Token, path: Path) -> bool:
        beat, now = _text(path / BEAT), time.monotonic()
        self._first.setdefault(token, beat)
        if token not in self._last or self._last[token][0] != beat:
            self._last[token] = (beat, now)
        return now - self._last[token][1] >= SILENCE_SECONDS


def staging_folders(folder: Path) -> dict[Token, Path]:
    """Return the staging folders in a run folder: of attempts that hold it, that wait for it, or that died."""
    found = {Token.parse(path.name.removeprefix(STAGING)): path for path in folder.glob(f"{STAGING}*")}
    return {token: path for token, path in found.items() if token is not None}


def _is_gone(staging: Path) -> bool:
    try:
        return Process(**json.loads(_text(staging / PROCESS))).is_gone()
    except (ValueError, TypeError):
        return False


def _started(pid: int) -> int | None:
    """When a process started, in clock ticks after the boot; None where it is none, or has ended and is not reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])  # state and starttime of proc(5)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _remove(folder: Path) -> None:
    """Remove a staging folder, in one step for those who look for it; what it holds is worth nothing."""
    aside = folder.with_name(f"{REMOVED}{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):
        os.rename(folder, aside)
    _delete(aside)


def _delete(folder: Path) -> None:
    for _ in range(100):  # another may add a file meanwhile; one that a process here has open stays on NFS
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.01)
