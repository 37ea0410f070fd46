"""A run as processes meet it: killed, warned, stopped and continued, started twice; and the same bits at the end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from alexnet_study.files import digest
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import TERMINATED, WARNED
from tests.conftest import STUDY, bits, write_images

# jobs.train with shorter heartbeats, dying (as by SIGKILL) at its n-th rename if n is given, and with another time
# between checkpoints if one is given, which is set once the product itself has imported PyTorch
PROGRAM = """
import os, runpy, sys
from alexnet_study.runs import attempts, fencing
attempts.BEAT_SECONDS, fencing.SILENCE_SECONDS = float(os.environ["BEAT"]), 3
fatal, replace = int(os.environ.get("FATAL_RENAME", -1)), os.replace
def counted(*paths):
    global fatal
    if "CHECKPOINT" in os.environ:
        sys.modules["alexnet_study.training.epoch"].CHECKPOINT_SECONDS = float(os.environ["CHECKPOINT"])
    if fatal == 0:
        os.kill(os.getpid(), 9)
    fatal -= 1
    replace(*paths)
os.replace = counted
runpy.run_module("jobs.train", run_name="__main__", alter_sys=True)
"""


class World:
    """A tiny study in a folder, and processes that run it; `beat` is seconds between heartbeats."""

    def __init__(self, home: Path, *, epochs: int, beat: float) -> None:
        self.home, self.beat = home, beat
        self.images = write_images(home / "images")
        self.study = home / "tiny.yaml"
        self.study.write_text(STUDY)
        self.words = ["--study", self.study, "--data", self.images, "--variant", "skip", "--seed", "0"]
        self.words += ["--set", f"recipe.epochs={epochs}", "--results"]
        self.whole = self.folder("whole")
        assert self.start("whole").wait() == 0

    def folder(self, results: str) -> RunFolder:
        return RunFolder(self.home / results / "tiny/skip/seed-0")

    def start(self, results: str, **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", PROGRAM, *self.words, self.home / results]
        environ = os.environ | {"OMP_NUM_THREADS": "1", "BEAT": str(self.beat)} | environment
        pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, text=True, env=environ, **pipes)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("long"), epochs=300, beat=0.2)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("short"), epochs=2, beat=60)


def entries(folder: RunFolder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(folder.provenance.read_text())["attempts"]
    return found


def wait_for_another(path: Path, process: "subprocess.Popen[str]") -> None:
    """Until `path` is replaced by another file, while `process` lives."""

    def state() -> tuple[int, int] | None:
        return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None

    before = state()
    while state() == before:
        assert process.poll() is None, "the run ended before it was disturbed"
        time.sleep(0.001)


def test_killed_at_random_moments_it_ends_with_the_same_bits(world: World) -> None:
    folder = world.folder("killed")
    rng = random.Random(0)
    for _ in range(4):
        process = world.start("killed")
        for _ in range(rng.randint(1, 5)):  # checkpoints of this attempt, an epoch or more apart
            wait_for_another(folder.checkpoint, process)
        time.sleep(rng.uniform(0, 0.03))  # the length of an epoch, so that the kill may come anywhere in it
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert world.start("killed").wait() == 0
    assert bits(folder) == bits(world.whole)
    first_epochs = [entry["first_epoch"] for entry in entries(folder)]
    assert len(first_epochs) == len(set(first_epochs)) == 5  # each went on from where the one before it was killed
    assert [entry["cause"] for entry in entries(folder)] == ["ended without a word"] * 4 + ["finished"]
    assert sorted(path.name for path in folder.path.iterdir()) == sorted(p.name for p in world.whole.path.iterdir())


def test_killed_at_each_kind_of_write_it_ends_with_the_same_bits(short: World) -> None:
    """Each start dies at its n-th rename: of config.json, provenance.json, the first checkpoint.pt, metrics.jsonl, the
    checkpoint after it; the arrays, the weights, summary.json, the end in provenance.json; that again, by the start
    which finds the summary; the checkpoint's drop.
    """
    for rename in (0, 0, 1, 1, 4, 2, 7, 3, 4, 5, 6, 0, 1):
        start = short.start("fatal", FATAL_RENAME=str(rename), CHECKPOINT="0")  # a checkpoint after each step
        assert start.wait() == -signal.SIGKILL
    assert short.start("fatal").wait() == 0
    folder = short.folder("fatal")
    assert bits(folder) == bits(short.whole)
    assert sorted(path.name for path in folder.path.iterdir()) == sorted(p.name for p in short.whole.path.iterdir())
    assert entries(folder)[-1]["cause"] == "finished"


def test_warned_at_random_moments_it_ends_with_75_and_the_same_bits(world: World) -> None:
    folder = world.folder("warned")
    rng = random.Random(1)
    checkpoints = 0
    for attempt in range(8):
        process = world.start("warned")
        number = (signal.SIGUSR2, signal.SIGTERM)[attempt % 2]
        wait_for_handler(process, number)
        if attempt < 4:  # while PyTorch is imported, data read, the folder taken
            time.sleep(rng.uniform(0, 3))
        else:
            wait_for_another(folder.checkpoint, process)
            time.sleep(rng.uniform(0, 0.03))
        process.send_signal(number)
        assert process.wait() == 75, process.stderr and process.stderr.read()
        checkpoints += folder.checkpoint.exists()
        assert not list(folder.path.glob(".*")), "it gave the folder up"
    assert checkpoints >= 4
    assert world.start("warned").wait() == 0
    assert bits(folder) == bits(world.whole)
    causes = [entry["cause"] for entry in entries(folder)]
    assert causes[-5:] == [WARNED, TERMINATED, WARNED, TERMINATED, "finished"]
    assert set(causes) == {WARNED, TERMINATED, "finished"}


def wait_for_handler(process: "subprocess.Popen[str]", number: int) -> None:
    """Until the process handles the signal: before, no program can."""
    while True:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        if caught >> (number - 1) & 1:
            return
        assert process.poll() is None
        time.sleep(0.005)


def test_the_newest_attempt_wins_over_a_living_one(world: World) -> None:
    folder = world.folder("twice")
    old = world.start("twice")
    wait_for_another(folder.checkpoint, old)
    new = world.start("twice")
    assert old.wait() == 1
    assert old.stderr is not None
    assert old.stderr.read().splitlines()[-1] == "error: replaced by a newer attempt"
    assert new.wait() == 0
    assert bits(folder) == bits(world.whole)
    first, second = entries(folder)
    assert (first["cause"], second["cause"]) == ("replaced by a newer attempt", "finished")
    assert second["first_epoch"] > 0


def test_an_attempt_that_wakes_up_after_it_was_replaced_changes_nothing(world: World) -> None:
    """As on a node that was cut off: the old process stands still, is taken for dead, and goes on later."""
    folder = world.folder("stopped")
    old = world.start("stopped")
    wait_for_another(folder.checkpoint, old)
    old.send_signal(signal.SIGSTOP)
    new = world.start("stopped")
    while len(entries(folder)) < 2:
        assert new.poll() is None
        time.sleep(0.01)
    wait_for_another(folder.checkpoint, new)
    old.send_signal(signal.SIGCONT)  # both live, and the old one is in the middle of whatever it did
    assert old.wait() == 1
    assert new.wait() == 0
    assert bits(folder) == bits(world.whole)
    assert entries(folder)[-1]["cause"] == "finished"
    before = {path.name: digest(path.read_bytes().hex()) for path in folder.path.iterdir()}
    late = world.start("stopped")
    assert late.wait() == 0
    assert {path.name: digest(path.read_bytes().hex()) for path in folder.path.iterdir()} == before
