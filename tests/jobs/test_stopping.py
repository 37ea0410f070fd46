"""Commands as a user ends them: Ctrl-C or SIGTERM, at any moment, is one line and exit code 75, never a traceback."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alexnet_study.runs.folder import RunFolder
from tests.conftest import STUDY, bits

BOTH = (signal.SIGINT, signal.SIGTERM)
KEPT = re.compile(
    r"error: stopped: (a user interrupted it \(SIGINT\)|the scheduler or a user ended it \(SIGTERM\)); "
    r"(kept up to epoch \d+, step \d+|nothing was kept yet); (\d of \d runs are finished; )?the same command goes on\n"
)
BEFORE = re.compile(r"interrupted\n|error: stopped before the run began: .*\(SIG(INT|TERM)\); start it again\n")


def start(module: str, *words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", module, *map(str, words)]
    environ = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_handlers(process: "subprocess.Popen[str]") -> None:
    """Until the process handles SIGTERM, and SIGINT in its own way: before, no program can."""
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        if all(caught >> (number - 1) & 1 for number in BOTH):
            return
        time.sleep(0.001)


def stopped(process: "subprocess.Popen[str]", number: int) -> tuple[int, str]:
    """Send the signal; return the exit code and what was said on standard error."""
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.fixture
def words(study_file: Path, images: Path, tmp_path: Path) -> list[object]:
    study_file.write_text(STUDY.replace("epochs: 2", "epochs: 400"))
    return ["--study", study_file, "--data", images, "--results", tmp_path / "results"]


@pytest.mark.parametrize("number", BOTH)
@pytest.mark.parametrize("module", ["jobs.train", "alexnet_study"])
def test_a_run_that_is_stopped_says_what_is_kept_and_goes_on(
    words: list[object], tmp_path: Path, number: int, module: str
) -> None:
    words = [*(["train"] if module == "alexnet_study" else []), *words, "--variant", "skip", "--seed", 0]
    words += ["--set", "recipe.epochs=40"]
    folder = RunFolder(tmp_path / "results/tiny/skip/seed-0")
    process = start(module, *words)
    assert process.stdout is not None
    while "epoch 3 of 40" not in (line := process.stdout.readline()):
        assert line, process.communicate()[1]
    code, said = stopped(process, number)
    assert code == 75, said
    kept = re.search(r"kept up to epoch (\d+), step (\d+)", said)
    assert KEPT.fullmatch(said), said
    assert kept is not None
    assert not list(folder.path.glob(".*"))
    again = start(module, *words)
    output, _ = again.communicate(timeout=120)
    assert again.returncode == 0
    assert f"goes on from epoch {kept[1]}, step {kept[2]}" in output
    whole = start(module, *words, "--results", tmp_path / "whole")
    assert (whole.communicate(timeout=120), whole.returncode)[1] == 0
    assert bits(folder) == bits(RunFolder(tmp_path / "whole/tiny/skip/seed-0"))


@pytest.mark.parametrize("module", ["train", "study"])
def test_no_traceback_however_early(words: list[object], module: str) -> None:
    """While Python's modules, PyTorch and data are loaded, and while it trains."""
    rng = random.Random(module)
    own = ["--variant", "skip", "--seed", 0] if module == "train" else []
    own += ["--set", "recipe.epochs=4000"]  # what the turns train adds up, and must not reach the end
    for turn in range(8):
        process = start(f"jobs.{module}", *words, *own)
        wait_for_handlers(process)
        time.sleep(rng.uniform(0, 0.3) if turn < 4 else rng.uniform(0.3, 4))
        code, said = stopped(process, BOTH[turn % 2])
        assert code == 75, said
        assert KEPT.fullmatch(said) or BEFORE.fullmatch(said), said


def test_a_study_that_is_stopped_says_how_many_runs_are_finished(words: list[object]) -> None:
    process = start("jobs.study", *words, "--set", "recipe.epochs=20", "--seeds", 1)
    assert process.stdout is not None
    while "run 2 of 2" not in (line := process.stdout.readline()):
        assert line, process.communicate()[1]
    while "epoch 1 of 20" not in process.stdout.readline():
        pass
    code, said = stopped(process, signal.SIGINT)
    assert code == 75
    assert KEPT.fullmatch(said), said
    assert "; 1 of 2 runs are finished; " in said


@pytest.mark.parametrize("module", ["report", "status"])
def test_what_only_reads_says_interrupted(study_file: Path, tmp_path: Path, module: str) -> None:
    rng = random.Random(module)
    own = ["--watch"] if module == "status" else []
    for turn in range(4):
        process = start(f"jobs.{module}", "--study", study_file, "--results", tmp_path, *own)
        wait_for_handlers(process)
        time.sleep(rng.uniform(0, 0.25))
        if process.poll() is not None:
            continue
        code, said = stopped(process, BOTH[turn % 2])
        if code == 75:  # else it had ended by itself, there being nothing to read
            assert said.splitlines()[-1] == "interrupted"
        assert "Traceback" not in said


def test_what_draws_is_interrupted(tmp_path: Path) -> None:
    """While matplotlib draws, too: a signal in a callback of C code ends the command all the same."""
    program = (
        "import os, signal, sys, threading, time; from alexnet_study.commands.ending import finish\n"
        "def command(program, words):\n"
        "    import matplotlib.pyplot as plt\n"
        "    print('ready', flush=True)\n"
        "    while True: plt.plot([1, 2]); plt.savefig(sys.argv[1] + '/x.svg'); plt.close()\n"
        "finish(command, 'x')"
    )
    for number in BOTH:
        command = [sys.executable, "-c", program, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        assert stopped(process, number) == (75, "interrupted\n")
