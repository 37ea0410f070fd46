"""Fencing: the newest attempt wins, an older one changes nothing from then on, and the dead are not waited for."""

import dataclasses
import errno
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet_study import files
from alexnet_study.errors import ReplacedError
from alexnet_study.runs import fencing
from alexnet_study.runs.fencing import Fence, Process, Token, staging_folders


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fencing, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(fencing, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(fencing, "HANDOVER_SECONDS", 0.5)


def claim(folder: Path, job: str = "1", restart: int = 0) -> Fence:
    return Fence(folder, job=job, restart=restart)


def holder(folder: Path, job: str = "1", restart: int = 0) -> Fence:
    fence = claim(folder, job, restart)
    fence.take_over()
    return fence


WRITES: list[Callable[[Fence], None]] = [
    lambda fence: fence.write(fence.folder / "metrics.jsonl", b"old"),
    lambda fence: fence.drop(fence.folder / "metrics.jsonl"),
    lambda fence: fence.beat(),
]


@pytest.mark.parametrize("write", WRITES)
def test_an_attempt_that_was_replaced_changes_nothing(tmp_path: Path, write: Callable[[Fence], None]) -> None:
    old = holder(tmp_path)
    old.write(tmp_path / "metrics.jsonl", b"first")
    new = holder(tmp_path)
    new.write(tmp_path / "metrics.jsonl", b"new")
    with pytest.raises(ReplacedError):
        write(old)
    assert (tmp_path / "metrics.jsonl").read_bytes() == b"new"
    assert old.superseded()
    assert not new.superseded()
    old.release()
    new.release()
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_an_attempt_replaced_in_the_middle_of_a_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = holder(tmp_path)
    replace = files.os.replace

    def late(source: Path, target: Path) -> None:  # the process was stopped after every check that it could make
        monkeypatch.setattr(files.os, "replace", replace)
        holder(tmp_path).write(target, b"new")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", late)
    with pytest.raises(ReplacedError):
        old.write(tmp_path / "summary.json", b"old")
    assert (tmp_path / "summary.json").read_bytes() == b"new"


def test_a_file_that_is_absent_is_no_replacement(tmp_path: Path) -> None:
    fence = holder(tmp_path)
    fence.drop(tmp_path / "absent")
    with pytest.raises(FileNotFoundError):
        fence.write(tmp_path / "nowhere/file", b"")
    assert not fence.superseded()


def test_the_provably_dead_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("it waited")

    ended = subprocess.Popen(["sleep", "0"])  # not reaped: its pid is still taken
    time.sleep(0.2)
    dead = claim(tmp_path)
    process = Process.current()
    assert process is not None
    assert not process.is_gone()
    content = dataclasses.asdict(process) | {"pid": ended.pid}
    (dead.staging / fencing.PROCESS).write_text(json.dumps(content))
    with monkeypatch.context() as patch:
        patch.setattr(fencing.time, "sleep", sleep)
        assert claim(tmp_path).take_over() == []
    ended.wait()


@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"namespace": "pid:[0]"}])
def test_a_process_of_another_machine_or_container_is_not_known_to_be_gone(elsewhere: dict[str, str]) -> None:
    here = Process.current()
    assert here is not None
    assert dataclasses.replace(here, started=here.started + 1).is_gone()
    assert not dataclasses.replace(here, started=here.started + 1, **elsewhere).is_gone()


def test_a_living_holder_gets_time_to_end_and_is_then_fenced_off(tmp_path: Path) -> None:
    old = holder(tmp_path)
    over = threading.Event()

    def beats() -> None:
        while not over.wait(0.02):
            try:
                old.beat()
            except ReplacedError:
                return

    thread = threading.Thread(target=beats)
    thread.start()
    started = time.monotonic()
    new = claim(tmp_path)
    assert old.superseded()  # it can know, and end by itself
    assert new.take_over() == [old.token]
    assert time.monotonic() - started >= fencing.HANDOVER_SECONDS
    over.set()
    thread.join()


def test_a_holder_that_ends_by_itself_is_not_called_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fencing, "SILENCE_SECONDS", 60)
    old = holder(tmp_path)
    threading.Timer(0.1, old.release).start()
    assert claim(tmp_path).take_over() == []


def test_of_two_that_wait_the_newer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fencing, "SILENCE_SECONDS", 1)
    monkeypatch.setattr(fencing, "HANDOVER_SECONDS", 60)
    holder(tmp_path)
    first, second = claim(tmp_path), claim(tmp_path)
    ends: dict[str, object] = {}

    def wait(fence: Fence, name: str) -> None:
        try:
            ends[name] = fence.take_over()
        except ReplacedError:
            ends[name] = "replaced"
            fence.release()

    threads = [threading.Thread(target=wait, args=pair) for pair in ((first, "first"), (second, "second"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {"first": "replaced", "second": []}
    assert list(staging_folders(tmp_path)) == [second.token]


def test_a_jobs_earlier_start_that_arrives_late_is_the_older_attempt(tmp_path: Path) -> None:
    requeued = holder(tmp_path, "12_3", restart=1)
    orphan = claim(tmp_path, "12_3", restart=0)
    assert orphan.token.rank < requeued.token.rank
    assert not requeued.superseded()
    over = threading.Event()
    thread = threading.Thread(target=lambda: [requeued.beat() for _ in iter(lambda: over.wait(0.02), True)])
    thread.start()
    with pytest.raises(ReplacedError):
        orphan.take_over()
    over.set()
    thread.join()


def test_a_dead_later_start_does_not_block_the_run_for_ever(tmp_path: Path) -> None:
    holder(tmp_path, "12_3", restart=1)  # of another cluster whose numbers began anew, say
    assert holder(tmp_path, "12_3", restart=0).take_over() == []


def lost_reply(source: Path, target: Path) -> None:
    os.rename(source, target)
    raise FileNotFoundError(errno.ENOENT, "the reply was lost; asked again, the server finds no source", source)


def test_a_rename_whose_reply_was_lost_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fence = holder(tmp_path)
    monkeypatch.setattr(files.os, "replace", lost_reply)
    fence.write(tmp_path / "summary.json", b"figures")
    assert (tmp_path / "summary.json").read_bytes() == b"figures"
    fence.drop(tmp_path / "summary.json")
    assert not (tmp_path / "summary.json").exists()
    fence.release()
    assert not list(tmp_path.iterdir())


def test_a_rename_that_was_not_done_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file", source)

    fence = holder(tmp_path)
    fence.write(tmp_path / "summary.json", b"old")
    monkeypatch.setattr(files.os, "replace", refused)
    with pytest.raises(FileNotFoundError):
        fence.write(tmp_path / "summary.json", b"new")


def test_a_file_that_a_network_file_system_shows_after_its_end_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence = holder(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda path: True)  # from the client's memory
    fence.drop(tmp_path / "checkpoint.pt")


def test_of_two_that_take_each_other_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = claim(tmp_path), claim(tmp_path)
    rename = os.rename

    def late(source: Path, target: Path) -> None:  # stopped for long after every check that it could make
        monkeypatch.setattr(fencing.os, "rename", rename)
        assert old.take_over() == []
        rename(source, target)

    monkeypatch.setattr(fencing.os, "rename", late)
    with pytest.raises(ReplacedError):
        new.take_over()
    old.write(tmp_path / "summary.json", b"figures")
    new.release()
    old.release()
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_a_folder_that_a_third_one_took_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, new = claim(tmp_path), claim(tmp_path)
    third = claim(tmp_path, job="3")
    rename = os.rename
    hidden = staging_folders(tmp_path)
    hidden.pop(third.token)
    looks = iter([hidden])  # the third one arrives after this look
    look = fencing.staging_folders
    monkeypatch.setattr(fencing, "staging_folders", lambda folder: next(looks, None) or look(folder))
    rename(oldest.staging, third.staging / ".removed-0")  # and stops there, a process elsewhere having it open
    monkeypatch.setattr(fencing, "SILENCE_SECONDS", 0)
    new.take_over()
    assert list(look(tmp_path)) == [new.token]
    assert not list(new.staging.glob("**/.removed-*"))


@given(
    st.builds(
        Token,
        number=st.integers(0, 10**7),
        restart=st.integers(0, 99),
        job=st.from_regex(r"[\w-]{1,20}", fullmatch=True),
        unique=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    )
)
def test_a_token_is_read_back(token: Token) -> None:
    assert Token.parse(str(token)) == token


def test_a_job_of_any_name_makes_one_folder(tmp_path: Path) -> None:
    assert claim(tmp_path, "../a b.c/-1").staging.parent == tmp_path
    assert len(staging_folders(tmp_path)) == 1
    (tmp_path / ".attempt-nonsense").mkdir()
    assert len(staging_folders(tmp_path)) == 1
