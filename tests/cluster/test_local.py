"""Runs on this machine under a supervisor: sent, known to status, cancelled, and survived."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from alexnet_study.cluster.launchers import local, supervisor
from alexnet_study.cluster.launchers.local import Local
from alexnet_study.cluster.plans.job_plan import read_plans
from tests.cluster.plans import local_plan_for, supervised
from tests.conftest import STUDY

PATIENCE_SECONDS = 240.0


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
    return value


class Bench:
    """A study and its results, without any SLURM."""

    def __init__(self, folder: Path, images: Path) -> None:
        self.folder, self.images, self.results = folder, images, folder / "results"
        self.study_file, self.profile = folder / "study.yaml", folder / "profile.yaml"
        self.profile.write_text(yaml.safe_dump({"launcher": "local", "parallelism": 2}))
        self.write_study()

    def write_study(self, *, epochs: int = 2) -> None:
        document = yaml.safe_load(STUDY)
        document |= {"data": str(self.images), "recipe": document["recipe"] | {"epochs": epochs}}
        self.study_file.write_text(yaml.safe_dump(document))

    def run(self, module: str, *words: object, code: int = 0) -> str:
        command = [
            sys.executable,
            "-m",
            f"jobs.{module}",
            "--study",
            self.study_file,
            "--results",
            self.results,
            *words,
        ]
        environment = {**os.environ, "PATH": "/nowhere", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run([str(w) for w in command], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def submit(self, *words: object) -> str:
        return self.run("submit", "--profile", self.profile, "--allow-dirty", *words)

    def states(self) -> dict[str, str]:
        shown = [re.split(r"  +", line) for line in self.run("status").splitlines() if " seed " in line]
        return {line[0]: " ".join(line[1:3]) for line in shown}

    def supervised(self) -> bool:
        return any(job.live for plan in read_plans(self.results, "tiny") for job in Local().jobs(plan, None))

    def attempts(self, variant: str, seed: int) -> list[dict[str, Any]]:
        path = self.results / f"tiny/{variant}/seed-{seed}/provenance.json"
        return list(json.loads(path.read_text())["attempts"]) if path.exists() else []

    def supervisor(self) -> int:
        return int(local.state(read_plans(self.results, "tiny")[-1]).pid)


@pytest.fixture
def bench(tmp_path: Path, images: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, images)
    yield bench
    if bench.supervised():
        bench.run("cancel")


def test_a_study_runs_here_once_and_is_reported(bench: Bench) -> None:
    said = bench.submit()
    assert "4 runs here, under a supervisor in the background; then the report" in said
    assert "nothing to send" in bench.submit()
    wait_for(lambda: (bench.results / "tiny/report/report.json").exists(), "the report")
    assert all(state.startswith("finished top-1") for state in bench.states().values())
    assert len(bench.states()) == 4
    assert all(len(bench.attempts(variant, seed)) == 1 for variant in ("baseline", "skip") for seed in (0, 1))
    assert "left out, finished: skip seeds 0, 1" in bench.submit()


def test_status_and_cancel_know_the_supervisor(bench: Bench) -> None:
    bench.write_study(epochs=100_000)
    bench.submit()
    wait_for(lambda: bench.attempts("baseline", 0) and bench.attempts("skip", 0), "two runs at once")
    states = bench.states()
    assert re.match(r"running epoch \d+ of 100000", states["baseline seed 0"])
    assert states["skip seed 1"].startswith("waiting")
    assert bench.run("cancel").startswith("cancelled 1 job: local-")
    assert not bench.supervised()
    assert bench.states()["baseline seed 0"].startswith("failed the scheduler or a user ended it (SIGTERM)")
    assert bench.states()["skip seed 1"] == "not sent cancelled before it ran"
    assert bench.attempts("baseline", 0)[-1]["end"] is not None
    assert "again: baseline seed 0: the scheduler or a user" in bench.run(
        "retry", "--cause", "SIGTERM", "--allow-dirty"
    )
    wait_for(lambda: len(bench.attempts("baseline", 0)) == 2, "a second attempt")
    assert bench.attempts("baseline", 0)[1]["first_epoch"] > 0


def test_runs_end_with_a_killed_supervisor_and_go_on_under_the_next(bench: Bench) -> None:
    bench.write_study(epochs=100_000)
    bench.submit("--seeds", 1)
    checkpoint = bench.results / "tiny/skip/seed-0/checkpoint.pt"
    wait_for(lambda: checkpoint.exists() and bench.attempts("baseline", 0), "both to train")
    os.kill(bench.supervisor(), signal.SIGKILL)
    wait_for(lambda: bench.attempts("skip", 0)[-1]["end"] is not None, "the run to end with its supervisor")
    assert bench.states()["skip seed 0"].startswith("failed its supervisor ended")
    assert "2 runs here" in bench.submit("--seeds", 1)
    wait_for(lambda: len(bench.attempts("skip", 0)) == 2, "a second attempt")
    assert bench.attempts("skip", 0)[1]["first_epoch"] > 0


def test_a_plan_without_a_supervisor_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The submitter died before it started one; should one start late, it does nothing."""
    bench.submit("--dry-run")
    assert not bench.results.exists()
    bench.submit("--seeds", 1)
    wait_for(lambda: (bench.results / "tiny/report/report.json").exists(), "the report")
    (plan,) = read_plans(bench.results, "tiny")
    (plan.folder / "0.claim").unlink()
    (bench.results / "tiny/skip/seed-0/summary.json").unlink()
    assert "1 run here" in bench.submit("--seeds", 1)
    assert plan.owner(0) == "abandoned"
    assert supervisor.supervise(plan.folder) == 0


def test_gpus_are_slots(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit("--seeds", 1)
    (plan,) = read_plans(bench.results, "tiny")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert supervisor.slots(plan) == ["3", "5"]
    on_cpu = dataclasses.replace(plan, profile=dataclasses.replace(plan.profile, device="cpu"))
    assert supervisor.slots(on_cpu) == ["", ""]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert supervisor.slots(plan) == ["", ""]


def test_a_run_that_ends_while_its_supervisor_is_looked_for_has_its_own_end(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = local_plan_for(study_file, tmp_path)
    supervised(plan, "running", "waiting")

    def ends(_: object) -> bool:
        supervised(plan, "ended 0", "ended -9")
        return False

    monkeypatch.setattr(local, "alive", ends)
    jobs = Local().jobs(plan, None)
    assert [(job.phase, job.last_words) for job in jobs] == [("ended", None), ("ended", "killed by signal 9")]
