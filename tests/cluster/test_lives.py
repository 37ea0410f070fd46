"""A run that starts again and again: known by where its lives began."""

import json
from pathlib import Path

import pytest

from alexnet_study.cluster.node import job
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedRun
from alexnet_study.cluster.plans.lives import Lives, recorded
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.runs.interruption import UNFINISHED, WARNED
from tests.cluster.plans import plan_for


@pytest.fixture
def plan(study_file: Path, tmp_path: Path) -> JobPlan:
    plan = plan_for(study_file, Profile(), results=tmp_path, seeds=1)
    plan.write()
    return plan


@pytest.fixture
def planned(plan: JobPlan) -> PlannedRun:
    return plan.runs[0]


def attempted(plan: JobPlan, run: PlannedRun, *, first: tuple[int, int], reached: tuple[int, int], ended: bool) -> None:
    """An attempt in job 12 that began at an epoch and step, and came to others; without an end it was killed."""
    folder = plan.results / plan.study / run.variant / f"seed-{run.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    progress = {"epoch": reached[0], "step": reached[1], "epochs": 9, "steps": 5, "images_per_second": None}
    entry = {
        "restart": 0,
        "device": "CPU",
        "start": 0.0,
        "last_heartbeat": 1.0,
        "end": 1.0 if ended else None,
        "cause": WARNED if ended else None,
        "progress": progress,
        "first_epoch": first[0],
        "first_step": first[1],
        "job": "12",
    }
    known = {
        "commit": "abc",
        "dirty": False,
        "image": None,
        "constraints": None,
        "versions": {},
        "device": "CPU",
        "source": {"kind": "digits", "name": "digits", "resized": 0},
        "bit_exact": True,
        "origins": [],
        "device_seconds": 1.0,
    }
    (folder / "provenance.json").write_text(json.dumps({**known, "attempts": [entry]}))


def live(plan: JobPlan, run: PlannedRun, restart: int) -> str | None:
    """One life: what is said before it starts."""
    lives = Lives(plan=plan, restart=restart)
    said = lives.in_vain(run, "12")
    if said is None:
        lives.begin([run])
    return said


def test_three_lives_without_an_attempt_are_enough(plan: JobPlan, planned: PlannedRun) -> None:
    assert [live(plan, planned, restart) for restart in range(3)] == [None] * 3
    assert live(plan, planned, 3) == "gained no step in 3 lives; the last: ended before it trained"
    assert recorded(plan, planned.name) == {0: (0, 0), 1: (0, 0), 2: (0, 0)}


def test_a_step_gained_counts_anew(plan: JobPlan, planned: PlannedRun) -> None:
    for restart in range(3):
        assert live(plan, planned, restart) is None
    attempted(plan, planned, first=(0, 0), reached=(0, 1), ended=True)
    for restart in range(3, 6):
        assert live(plan, planned, restart) is None
        attempted(plan, planned, first=(0, 1), reached=(0, 1), ended=True)
    assert live(plan, planned, 6) == f"gained no step in 3 lives; the last: {WARNED}"


def test_what_a_killed_attempt_reached_is_not_saved_but_where_it_began_is(plan: JobPlan, planned: PlannedRun) -> None:
    for restart, step in enumerate((0, 0, 2, 4, 5)):  # each is killed on its way, a checkpoint behind it
        assert live(plan, planned, restart) is None
        attempted(plan, planned, first=(1, step), reached=(3, 0), ended=False)


def test_another_runs_lives_are_not_counted(plan: JobPlan, planned: PlannedRun) -> None:
    for restart in range(3):
        live(plan, planned, restart)
    assert live(plan, plan.runs[1], 3) is None


def test_a_job_gives_a_run_up_and_says_so_in_its_log(
    plan: JobPlan, planned: PlannedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setattr(job, "train_command", lambda *_: ["sh", "-c", f"exit {UNFINISHED}"])
    codes = []
    for restart in range(4):
        monkeypatch.setenv("SLURM_RESTART_COUNT", str(restart))
        codes.append(job.train(plan, [planned]))
    assert codes == [UNFINISHED] * 3 + [1]
    log = plan.results / plan.study / "logs" / f"{planned.name}-12.err"
    assert log.read_text() == "error: gained no step in 3 lives; the last: ended before it trained\n"
