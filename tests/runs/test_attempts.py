"""An attempt's entry in provenance.json: what it says, that it stays fresh, and how it ends."""

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alexnet_study.errors import ReplacedError, StoppedError
from alexnet_study.runs import attempts
from alexnet_study.runs.attempts import OngoingAttempt, close_finished, job_and_restart
from alexnet_study.runs.fencing import Fence
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import Interruption
from alexnet_study.runs.records import Attempt, DataSource, Origin, Progress


@pytest.fixture(autouse=True)
def no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("SLURM", "ALEXNET_STUDY_"))]:
        monkeypatch.delenv(name)


def progress(epoch: int) -> Progress:
    return Progress(epoch=epoch, epochs=9, step=3, steps=7, images_per_second=None)


@contextmanager
def attempt(
    folder: RunFolder, *, epoch: int = 0, measure: Callable[[], Progress] | None = None
) -> Iterator[OngoingAttempt]:
    with folder.held(job="1", restart=0) as replaced:
        yield OngoingAttempt(
            folder,
            replaced=replaced,
            device="CPU",
            source=DataSource(kind="digits", name="digits", resized=0),
            origins=(Origin(device="CPU", torch="2", cuda=None, cudnn=None, numpy="2"),),
            progress=measure or (lambda: progress(epoch)),
            interruption=Interruption(),
        )


def entries(folder: RunFolder) -> tuple[Attempt, ...]:
    return folder.read_provenance().attempts


def test_an_attempt_says_where_it_is_and_stays_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "BEAT_SECONDS", 0.01)
    for name, value in (("ARRAY_JOB_ID", "12"), ("ARRAY_TASK_ID", "3"), ("JOB_ID", "15"), ("RESTART_COUNT", "2")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURMD_NODENAME", "gpu7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("ALEXNET_STUDY_JOB_START", "1700000000")
    folder = RunFolder(tmp_path)
    with attempt(folder, epoch=4) as current:
        first = entries(folder)[0]
        deadline = time.monotonic() + 30
        while entries(folder)[0].last_heartbeat == first.last_heartbeat:
            assert time.monotonic() < deadline
        current.end("finished")
        ended = folder.provenance.read_bytes()
        time.sleep(0.05)
        assert folder.provenance.read_bytes() == ended  # the thread is quiet from then on
    assert (first.job, first.restart, first.node, first.gpu) == ("12_3", 2, "gpu7", "1")
    assert first.job_start == 1_700_000_000.0
    assert (first.first_epoch, first.cause, first.end) == (4, None, None)
    assert first.progress == progress(4)
    last = entries(folder)[0]
    assert last.end is not None
    assert (last.cause, last.end >= last.start) == ("finished", True)


def test_an_attempt_that_ends_during_a_heartbeat_leaves_nothing_to_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that frees tensors while Python ends aborts the process, whose exit code then says nothing."""
    freed_by: list[threading.Thread] = []
    beating = threading.Event()

    class TrainingState:
        def __call__(self) -> Progress:
            return progress(0)

        def __del__(self) -> None:
            freed_by.append(threading.current_thread())

    def beat_slowly(fence: Fence) -> None:
        beating.set()
        time.sleep(0.3)

    monkeypatch.setattr(attempts, "BEAT_SECONDS", 0.01)
    with attempt(RunFolder(tmp_path), measure=TrainingState()) as current:
        monkeypatch.setattr(Fence, "beat", beat_slowly)
        beating.wait()
        current.end("finished")
    del current
    assert freed_by == [threading.main_thread()]


def test_outside_a_job_an_attempt_is_named_by_host_and_process(tmp_path: Path) -> None:
    assert job_and_restart()[0].endswith(f"-{os.getpid()}")
    with attempt(RunFolder(tmp_path)) as current:
        assert (current.entry.job, current.entry.restart) == (None, 0)
        current.end("finished")
    written = json.loads(RunFolder(tmp_path).provenance.read_text())
    assert (written["slurm"], written["attempts"][0]["job"], written["attempts"][0]["gpu"]) == ({}, None, None)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (StoppedError("time limit"), "time limit"),
        (ValueError("one line\nand another"), "ValueError: one line"),
        (KeyboardInterrupt(), "a user interrupted it (SIGINT)"),
    ],
)
def test_an_attempt_says_what_ended_it(tmp_path: Path, error: BaseException, cause: str) -> None:
    folder = RunFolder(tmp_path)
    with attempt(folder) as current:
        current.end_by(error)
    assert entries(folder)[0].cause == cause


def test_a_full_disk_that_ends_an_attempt_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = RunFolder(tmp_path)
    with attempt(folder) as current:
        monkeypatch.setattr(os, "fsync", full)
        current.end_by(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert "No space left" in capsys.readouterr().err


def test_an_attempt_learns_that_a_newer_one_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "BEAT_SECONDS", 0.01)
    folder = RunFolder(tmp_path)
    with attempt(folder) as current:
        assert not current.due
        current.check()
        newer = Fence(tmp_path, job="2", restart=0)
        deadline = time.monotonic() + 30
        while not current.due:
            assert time.monotonic() < deadline
        with pytest.raises(ReplacedError, match="replaced by a newer attempt"):
            current.check()
        current.end_by(ReplacedError("replaced by a newer attempt"))
        newer.release()
    assert entries(folder)[0].cause == "replaced by a newer attempt"


@pytest.mark.parametrize(("alive", "cause"), [(True, "replaced by a newer attempt"), (False, "ended without a word")])
def test_the_next_attempt_says_how_a_silent_one_ended(tmp_path: Path, alive: bool, cause: str) -> None:
    folder = RunFolder(tmp_path)
    with attempt(folder) as first:
        token = folder.fence.token
        first._over.set()  # killed
    with folder.held(job="1", restart=1):
        second = attempts.earlier_attempts(folder, [token] if alive else [])
    assert [entry.cause for entry in second] == [cause]


def test_an_attempt_that_died_after_the_summary_is_closed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with attempt(folder) as first:
        first._over.set()  # killed
        folder.write(folder.checkpoint, b"")
    with folder.held(job="1", restart=1) as replaced:
        close_finished(folder, replaced)
    assert entries(folder)[0].cause == "finished"
    assert folder.is_closed()
