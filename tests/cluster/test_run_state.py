"""The cause of an end is that of the last life."""

import dataclasses
import json
from pathlib import Path

import pytest

from alexnet_study.cluster.launchers.launcher import NEVER_RAN, SentJob
from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.status.run_facts import RunFacts
from alexnet_study.cluster.status.run_state import run_state
from alexnet_study.runs.interruption import WARNED
from alexnet_study.runs.records import Attempt, Progress
from tests.cluster.plans import plan_for

RUN = "baseline-seed-0"
OTHER = (
    "error: the run's checkpoint was made with device CPU A, 1 threads, here CPU B, 1 threads: going on would not give "
    "the same bits; go on there, allow it with --allow-inexact-resume, or remove the run's folder\n"
)


@pytest.fixture
def job(study_file: Path, tmp_path: Path) -> SentJob:
    """A job whose run ended, in its first life, with the warning before the time limit."""
    plan = plan_for(study_file, Profile(), results=tmp_path, seeds=1)
    plan.write()
    lived(plan, 0)
    return SentJob(plan=plan, array=0, index=0, id="12", phase="ended")


def lived(plan: JobPlan, restart: int) -> None:
    (plan.lives_folder / RUN).mkdir(parents=True, exist_ok=True)
    (plan.lives_folder / RUN / str(restart)).write_text(json.dumps([0, 0]))


def logged(job: SentJob, text: str) -> None:
    logs = job.plan.results / job.plan.study / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"{RUN}-12.err").write_text(text)


def cause(job: SentJob) -> str | None:
    attempt = Attempt(
        restart=0,
        device="CPU A",
        start=0.0,
        last_heartbeat=1.0,
        end=1.0,
        cause=WARNED,
        progress=Progress(epoch=1, epochs=9, step=0, steps=5, images_per_second=None),
        first_epoch=0,
        job="12",
    )
    return run_state(RUN, RunFacts(attempts=(attempt,)), job, {}).cause


def test_the_only_lifes_cause_is_its_own(job: SentJob) -> None:
    assert cause(job) == WARNED


def test_a_later_life_that_another_device_refused_says_so(job: SentJob) -> None:
    lived(job.plan, 1)
    logged(job, f"error: stopped: {WARNED}\n{OTHER}")
    assert cause(job) == (
        "another device: pass inexact_resume or exclude the node (CPU A, 1 threads, here CPU B, 1 threads)"
    )


def test_a_later_life_of_which_nothing_is_known_has_no_earlier_lifes_cause(job: SentJob) -> None:
    lived(job.plan, 1)
    assert cause(job) == "ended without a word"


def test_a_run_that_was_cancelled_before_it_ran_did_not_fail(job: SentJob) -> None:
    cancelled = dataclasses.replace(job, last_words=NEVER_RAN)
    state = run_state(RUN, RunFacts(attempts=()), cancelled, {})
    assert (state.name, state.cause) == ("not sent", "cancelled before it ran")


def test_a_run_that_was_given_up_says_why(job: SentJob) -> None:
    logged(job, f"error: stopped: {WARNED}\nerror: gained no step in 3 lives; the last: {WARNED}\n")
    assert cause(job) == f"gained no step in 3 lives; the last: {WARNED}"
