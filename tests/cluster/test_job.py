"""What a job starts: a process a run on a CPU; on a GPU one process for all runs of a variant."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from alexnet_study.cluster.node import job
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedRun
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import UNFINISHED
from tests.cluster.plans import plan_for

SAYS = (
    "import json, sys; print(json.dumps(sys.argv[2:])); print('warning', file=sys.stderr); sys.exit(int(sys.argv[1]))"
)


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
