"""Retrying and cancelling what was sent."""

import dataclasses
import os
import shutil

import pytest

from alexnet_study.cluster.control import cancel, failed, retry_requests
from alexnet_study.cluster.plans.job_plan import read_plans
from alexnet_study.cluster.plans.profile import VariantMeans
from alexnet_study.cluster.status.study_status import study_status
from alexnet_study.cluster.submission import Request, submit
from alexnet_study.commands import retry
from alexnet_study.errors import RequestError, RunError
from tests.cluster.pretended import PretendedSlurm


def with_seeds(request: Request, *seeds: int) -> Request:
    return dataclasses.replace(request, study=dataclasses.replace(request.study, seeds=seeds))


def test_retry_sends_what_failed_of_any_submission(slurm: PretendedSlurm, submission_request: Request) -> None:
    own = dataclasses.replace(submission_request.profile, variants={"skip": VariantMeans(minutes=120)})
    submission_request = dataclasses.replace(submission_request, profile=own)
    for seeds in ((2, 3), (0,)):
        submit(with_seeds(submission_request, *seeds))
        slurm.end(*slurm.jobs)
    study, results = submission_request.study, submission_request.results
    runs = [run for run in failed(study, results) if run.seed != 0 or run.variant == "skip"]
    requests, lost = retry_requests(study, results, runs, profile=None, minutes=7, allow_dirty=True)
    assert lost == []
    for request in requests:
        submit(request)
    assert sorted(slurm.jobs.values()) == ["tiny-baseline"] * 2 + ["tiny-report"] + ["tiny-skip"] * 3
    sent = [plan.profile_of(array).minutes for plan in read_plans(results, "tiny")[2:] for array in range(2)]
    assert set(sent) == {7}


def test_retry_says_what_it_cannot_send(slurm: PretendedSlurm, submission_request: Request) -> None:
    submit(with_seeds(submission_request, 0))
    submit(with_seeds(submission_request, 1))
    slurm.end(*slurm.jobs)
    study, results = submission_request.study, submission_request.results
    runs = failed(study, results)
    (read_plans(results, "tiny")[0].folder / "study.yaml").unlink()
    requests, lost = retry_requests(study, results, runs, profile=None, minutes=None, allow_dirty=True)
    assert [(run.variant, run.seed) for request in requests for run in request.runs()] == [("baseline", 1), ("skip", 1)]
    assert [(run.variant, run.seed) for run, _ in lost] == [("baseline", 0), ("skip", 0)]
    assert "study.yaml" in lost[0][1]
    shutil.rmtree(results / "tiny" / ".submit")
    with pytest.raises(RequestError, match="nothing was submitted"):
        retry_requests(study, results, runs, profile=None, minutes=None, allow_dirty=True)


CLAIM = """
claims:
- {id: '1', statement: Birds gain, definition: d, metric: evaluations.intact.recall.bird, variants: {skip: 1}, below: 2}
"""


def test_retry_says_what_the_data_cant_judge_as_submit_does(
    slurm: PretendedSlurm, submission_request: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    submission_request.study_file.write_text(submission_request.study_file.read_text() + CLAIM)
    submit(with_seeds(submission_request, 0))
    slurm.end(*slurm.jobs)
    words = ["--study", str(submission_request.study_file), "--results", str(submission_request.results)]
    assert retry.main("retry", [*words, "--allow-dirty"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("note: claim 1: not judged, since the data has no class 'bird'")
    assert sorted(slurm.jobs.values()) == ["tiny-baseline", "tiny-report", "tiny-skip"]


def test_retry_releases_the_held_jobs_of_the_selected_runs_alone(
    slurm: PretendedSlurm, submission_request: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(submission_request)
    words = ["--study", str(submission_request.study_file), "--results", str(submission_request.results)]
    slurm.hold("11_0", "12_1", "13")
    assert retry.main("retry", [*words, "--cause", "time limit"]) == 0
    assert slurm.held == ["11_0", "12_1", "13"]
    assert retry.main("retry", [*words, "--variant", "skip"]) == 0
    assert slurm.held == ["11_0", "13"]
    assert retry.main("retry", words) == 0
    assert slurm.held == []
    assert capsys.readouterr().out.splitlines() == [
        "no run failed with a cause that contains 'time limit'",
        "released 1 job: 12_1",
        "no run failed",
        "released 2 jobs: 11_0, 13",
        "no run failed",
    ]


def test_an_array_is_cancelled_by_its_id(slurm: PretendedSlurm, submission_request: Request) -> None:
    submit(submission_request)
    slurm.end("11_1")
    cancel(submission_request.study, submission_request.results)
    assert [call for call in slurm.calls if call[0] == "scancel"] == [["scancel", "--quiet", "11_[0,2-3]", "12", "13"]]
    assert slurm.jobs == {}


def test_only_jobs_of_those_who_submitted_are_asked_for(slurm: PretendedSlurm, submission_request: Request) -> None:
    submit(submission_request)
    study_status(submission_request.study, submission_request.results)
    asked = [call for call in slurm.calls if call[0] == "squeue"]
    assert asked
    assert all(f"--user={os.getuid()}" in call for call in asked)
    (plan,) = read_plans(submission_request.results, "tiny")
    os.chown(plan.folder, 1, -1)
    study_status(submission_request.study, submission_request.results)
    assert f"--user={os.getuid()},1" in slurm.calls[-1]


def test_what_slurm_refuses_to_cancel_is_said(
    slurm: PretendedSlurm, submission_request: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(submission_request)
    slurm.refuse("tiny-skip")
    with pytest.raises(RunError, match=r"cancelled 5 jobs, not cancelled 4 jobs: 12_0 .*Access/permission denied"):
        cancel(submission_request.study, submission_request.results)


def test_a_waiting_task_that_slurm_forgot_was_cancelled(slurm: PretendedSlurm, submission_request: Request) -> None:
    submit(submission_request)
    slurm.end("11_1")
    (run,) = failed(submission_request.study, submission_request.results)
    assert (run.variant, run.seed, run.cause) == ("baseline", 1, "cancelled before it ran")
