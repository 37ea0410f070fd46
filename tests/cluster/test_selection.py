"""Runs selected by state, variant and seed, and what status says of many and to scripts."""

import dataclasses
import json
from pathlib import Path

import pytest

from alexnet_study.cluster.control import cancel, failed
from alexnet_study.cluster.printing import status_lines
from alexnet_study.cluster.status.report_state import ReportState
from alexnet_study.cluster.status.selection import Selection, selection_from
from alexnet_study.cluster.status.study_status import RunStatus, StudyStatus
from alexnet_study.cluster.submission import Request, submit
from alexnet_study.commands import status
from alexnet_study.errors import RequestError
from tests.cluster.pretended import PretendedSlurm


def many(*states: str) -> StudyStatus:
    """A study of two variants with these states each."""
    runs = [
        RunStatus(variant=variant, seed=seed, state=state, detail="out of memory" if state == "failed" else "")
        for variant in ("baseline", "skip")
        for seed, state in enumerate(states)
    ]
    return StudyStatus(runs=runs, report=ReportState(name="waiting"), notes=[])


def test_a_part_of_an_array_is_cancelled_and_the_report_stays(
    slurm: PretendedSlurm, submission_request: Request
) -> None:
    submit(submission_request)
    chosen = Selection(variants=frozenset(("skip",)), seeds=frozenset((1, 2)))
    cancelled, left = cancel(submission_request.study, submission_request.results, chosen)
    assert [job.id for job in cancelled] == ["12_1", "12_2"]
    assert left == []
    assert slurm.calls[-2] == ["scancel", "--quiet", "12_[1-2]"]
    assert set(slurm.jobs) == {"11_0", "11_1", "11_2", "11_3", "12_0", "12_3", "13"}


def test_a_job_that_also_has_other_runs_is_left(slurm: PretendedSlurm, submission_request: Request) -> None:
    profile = dataclasses.replace(submission_request.profile, runs_per_job=4)
    submit(dataclasses.replace(submission_request, profile=profile))
    chosen = Selection(seeds=frozenset((0,)))
    cancelled, left = cancel(submission_request.study, submission_request.results, chosen)
    assert (cancelled, [job.id for job in left]) == ([], ["11", "12"])


def test_failures_are_selected(slurm: PretendedSlurm, submission_request: Request) -> None:
    submit(submission_request)
    slurm.end(*slurm.jobs)
    study, results = submission_request.study, submission_request.results
    runs = failed(study, results, selection=selection_from(study, state="failed", variant="skip", seeds="1-2"))
    assert [(run.variant, run.seed) for run in runs] == [("skip", 1), ("skip", 2)]


@pytest.mark.parametrize(("state", "variant"), [("dead", ""), ("", "other")])
def test_what_is_not_there_is_refused(submission_request: Request, state: str, variant: str) -> None:
    with pytest.raises(RequestError, match=r"'(dead|other)' is not valid; expected some of"):
        selection_from(submission_request.study, state=state, variant=variant, seeds="")


def test_many_runs_are_counted_by_variant_failures_first() -> None:
    lines = status_lines(many(*["finished"] * 28, "failed", "running"))
    assert [line.split("  ")[0] for line in lines] == [
        "baseline seed 28",
        "skip seed 28",
        "baseline",
        "skip",
        "report",
        "60 runs: 56 finished, 2 failed, 2 running; no time used",
    ]
    assert "30 runs: 28 finished, 1 failed, 1 running" in lines[2]
    assert len(status_lines(many(*["finished"] * 25))) == 50 + 2


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("finished",), 0),
        (("finished", "running"), 3),
        (("failed", "waiting"), 3),
        (("finished", "failed"), 1),
        (("finished", "not sent"), 1),
    ],
)
def test_scripts_get_json_and_an_exit_code(
    states: tuple[str, ...],
    code: int,
    submission_request: Request,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("alexnet_study.cluster.status.study_status.study_status", lambda *_: many(*states))
    words = ["--study", str(submission_request.study_file), "--results", str(tmp_path)]
    assert status.main("status", [*words, "--json"]) == code
    shown = json.loads(capsys.readouterr().out)
    assert [run["state"] for run in shown["runs"]] == [*states, *states]
    assert shown["report"]["state"] == "waiting"
    assert status.main("status", words) == 0
