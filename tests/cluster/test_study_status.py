"""What a run did while others were asked about it: it finished all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alexnet_study.cluster.launchers import local
from alexnet_study.cluster.launchers.launcher import QueuedJob
from alexnet_study.cluster.launchers.slurm import Slurm
from alexnet_study.cluster.status.study_status import study_status
from alexnet_study.cluster.submission import Request
from tests.cluster.plans import local_plan_for, plan_for, supervised

Write = Callable[..., None]


def states(request: Request, *seeds: int) -> set[tuple[str, str | None]]:
    """The states of the runs of these seeds, with their causes."""
    runs = study_status(request.study, request.results).runs
    return {(run.state, run.cause) for run in runs if run.seed in seeds}


def test_a_run_that_finishes_while_the_queue_is_asked_did_not_fail(
    submission_request: Request, study_file: Path, write_runs: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(study_file, submission_request.profile, results=submission_request.results)
    plan.write()
    for array in range(len(plan.arrays)):
        plan.record_job(array, str(11 + array))

    def answer(*_: object) -> list[QueuedJob]:
        write_runs(submission_request.study, submission_request.results)
        return []

    monkeypatch.setattr(Slurm, "queue", answer)
    assert states(submission_request, 0, 1, 2, 3) == {("finished", None)}


def test_a_run_that_finishes_while_its_supervisor_is_looked_for_did_not_fail(
    submission_request: Request, study_file: Path, write_runs: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = local_plan_for(study_file, submission_request.results)
    supervised(plan, "running", "running")

    def ends(_: object) -> bool:
        write_runs(submission_request.study, submission_request.results)
        supervised(plan, "ended 0", "ended 0")
        return False

    monkeypatch.setattr(local, "alive", ends)
    assert states(submission_request, 0) == {("finished", None)}
