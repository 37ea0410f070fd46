"""What a job starts: a process a run on a CPU; on a GPU one process for all runs of a variant; or the report."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from alexnet_study.cluster.node import job
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedRun
from alexnet_study.cluster.plans.profile import Notify, Profile
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import UNFINISHED
from tests.cluster.plans import plan_for

SAYS = (
    "import json, sys; print(json.dumps(sys.argv[2:])); print('warning', file=sys.stderr); sys.exit(int(sys.argv[1]))"
)
# A process whose job is signalled; handed that on it ends with `code`, of 0 by the signal.
IS_SIGNALLED = """
import os, signal, sys, time
number, code = int(sys.argv[1]), int(sys.argv[2])
if code:
    signal.signal(number, lambda *_: os._exit(code))
os.kill(os.getppid(), number)
time.sleep(120)
"""


@pytest.fixture(autouse=True)
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)


def answer_with(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every process that a job starts say its words and end with `code`."""

    def command(plan: JobPlan, words: list[str], *, name: str, cache: Path | None) -> list[str]:
        return [sys.executable, "-c", SAYS, str(code), name, *words]

    monkeypatch.setattr(job, "_command", command)


def of_several(study_file: Path, results: Path, device: str) -> tuple[JobPlan, Sequence[PlannedRun]]:
    plan = plan_for(study_file, Profile(device=device, runs_per_job=3, side_by_side=2), results=results)
    return plan, plan.arrays[0].jobs[0]


def said(plan: JobPlan, run: PlannedRun) -> list[list[str]]:
    path = plan.results / plan.study / "logs" / f"{run.name}-12.out"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_on_a_gpu_the_runs_of_a_job_are_one_process_with_one_log(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, runs = of_several(study_file, tmp_path, "cuda")
    answer_with(0, monkeypatch)
    assert job.train(plan, runs) == 0
    (words,) = said(plan, runs[0])
    assert words[:2] == ["baseline-seed-0", "train"]
    assert words[words.index("--seed") + 1] == "0,1,2"
    assert words[words.index("--device") + 1] == "cuda"
    assert [said(plan, run) for run in runs] == [[words]] * 3
    log = plan.results / plan.study / "logs" / "baseline-seed-2-12.err"
    assert log.read_text() == "warning\n"


def test_a_job_that_returns_packs_what_is_left_and_the_log_goes_on(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, runs = of_several(study_file, tmp_path, "cuda")
    answer_with(UNFINISHED, monkeypatch)
    assert job.train(plan, runs) == UNFINISHED
    monkeypatch.setattr(RunFolder, "is_finished", lambda folder: folder.path.name == "seed-0")
    answer_with(1, monkeypatch)
    assert job.train(plan, runs) == 1
    first, second = said(plan, runs[1])
    assert (first[first.index("--seed") + 1], second[second.index("--seed") + 1]) == ("0,1,2", "1,2")
    monkeypatch.setattr(RunFolder, "is_finished", lambda folder: True)
    assert job.train(plan, runs) == 0


@pytest.mark.parametrize("device", ["", "cpu", "auto"])
def test_elsewhere_each_run_is_a_process_with_a_log_of_its_own(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    plan, runs = of_several(study_file, tmp_path, device)
    answer_with(0, monkeypatch)
    assert job.train(plan, runs) == 0
    for run in runs:
        (words,) = said(plan, run)
        assert words[words.index("--seed") + 1] == str(run.seed)


def test_the_seeds_of_a_process_are_what_train_takes(study_file: Path, images: Path, tmp_path: Path) -> None:
    plan, runs = of_several(study_file, tmp_path, "cpu")
    plan.folder.mkdir(parents=True)
    plan.study_file.write_text(study_file.read_text().replace("digits", str(images)))
    done = subprocess.run(job.train_command(plan, runs, None), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(RunFolder(tmp_path / "tiny" / run.variant / f"seed-{run.seed}").is_finished() for run in runs)


@pytest.fixture
def submitits_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Handlers as submitit has them in every job: of USR2 one that requeues it."""

    def requeue(*_: object) -> None:
        pytest.fail("submitit's handler took the signal")

    numbers = (signal.SIGUSR2, signal.SIGTERM)
    before = {number: signal.signal(number, requeue) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("own", [UNFINISHED, 0])
@pytest.mark.parametrize(
    ("number", "seconds_left", "code"),
    [
        (signal.SIGUSR2, None, 1),
        (signal.SIGUSR2, 10, 1),
        (signal.SIGTERM, 10, 1),
        (signal.SIGUSR2, 1000, UNFINISHED),  # a preemption, as some sites tell of it
        (signal.SIGTERM, 1000, UNFINISHED),
        (signal.SIGTERM, None, UNFINISHED),
    ],
)
def test_a_report_at_its_time_limit_fails_and_one_that_is_preempted_goes_on(
    study_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    submitits_own: None,
    number: int,
    seconds_left: int | None,
    code: int,
    own: int,
) -> None:
    told = tmp_path / "told"
    plan = plan_for(study_file, Profile(notify=Notify(command=f"cat > {told}")), results=tmp_path, seeds=1)
    plan.write()
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    if seconds_left is not None:
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + seconds_left))
    words = [sys.executable, "-c", IS_SIGNALLED, str(int(number)), str(own)]
    monkeypatch.setattr(job, "_command", lambda *_, **__: words)
    assert job.report(plan) == code
    assert job.check_gpu(plan) == code
    assert told.exists() == (code == 1)


def test_a_report_that_is_done_all_the_same_is_done(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, submitits_own: None
) -> None:
    plan = plan_for(study_file, Profile(), results=tmp_path, seeds=1)
    heard = "import os, signal, time; signal.signal(signal.SIGUSR2, lambda *_: os._exit(0)); "
    heard += "os.kill(os.getppid(), signal.SIGUSR2); time.sleep(120)"
    monkeypatch.setattr(job, "_command", lambda *_, **__: [sys.executable, "-c", heard])
    assert job.report(plan) == 0
