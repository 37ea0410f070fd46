"""What asking costs where thousands of runs are finished: few files are opened, and what they hold is not read."""

import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alexnet_study.cluster.printing import status_lines
from alexnet_study.cluster.status.study_status import study_status, with_figures
from alexnet_study.cluster.submission import Request, dry_run, submit
from alexnet_study.data.dataset import Dataset
from alexnet_study.files import indented_json
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.identity import identity
from tests.cluster.pretended import PretendedSlurm

RUNS = 8


@pytest.fixture
def finished(submission_request: Request, data: Dataset, write_runs: Callable[..., None]) -> Request:
    """The request once all its runs are finished."""
    write_runs(submission_request.study, submission_request.results)
    for run in submission_request.runs():
        own = identity(run.on_data(data.normalisation), data.content_hash)
        folder_of(submission_request, run.variant, run.seed).config.write_bytes(indented_json(own.as_json()))
    return submission_request


@pytest.fixture
def opened() -> Iterator[Counter[str]]:
    """How often a file of a run's folder was opened, by its name."""
    names: Counter[str] = Counter()
    watching = True

    def note(event: str, words: tuple[object, ...]) -> None:
        if watching and event == "open" and isinstance(words[0], str | Path):
            path = Path(words[0])
            names.update([path.name] * path.parent.name.startswith("seed-"))

    sys.addaudithook(note)  # never removed, so it is put to sleep
    yield names
    watching = False


@pytest.fixture
def nothing_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a summary is read whole."""
    monkeypatch.setattr(RunFolder, "read_summary", lambda *_, **__: pytest.fail("a summary was read"))


def folder_of(request: Request, variant: str = "baseline", seed: int = 0) -> RunFolder:
    return RunFolder(request.results / request.study.name / variant / f"seed-{seed}")


def again(request: Request) -> list[tuple[str, int]]:
    """The runs that would be sent."""
    return [run.key for run in dry_run(request).plan.runs]


def test_a_submission_opens_two_files_of_a_finished_run(
    slurm: PretendedSlurm, finished: Request, opened: Counter[str], nothing_whole: None
) -> None:
    outcome = submit(finished)
    assert len(outcome.finished) == RUNS
    assert outcome.sent == []
    assert opened == {"config.json": RUNS, "summary.json": RUNS}


def test_the_status_opens_two_files_of_a_finished_run(
    finished: Request, opened: Counter[str], nothing_whole: None
) -> None:
    status = study_status(finished.study, finished.results)
    assert {run.state for run in status.runs} == {"finished"}
    assert status_lines(status)[-1].startswith(f"{RUNS} runs: {RUNS} finished")
    assert opened == {"provenance.json": RUNS, "summary.json": RUNS}


def test_what_shows_signs_of_damage_is_sent_again(finished: Request) -> None:
    assert again(finished) == []
    younger, missing, cut = (folder_of(finished, seed=seed) for seed in (0, 1, 2))
    younger.features.write_bytes(younger.features.read_bytes()[:-1])
    os.utime(younger.features, ns=(0, younger.summary.stat().st_mtime_ns + 1))
    missing.predictions.unlink()
    cut.summary.write_bytes(cut.summary.read_bytes()[:-100])
    assert again(finished) == [("baseline", 0), ("baseline", 1), ("baseline", 2)]


def test_a_younger_file_that_is_whole_is_no_damage(finished: Request) -> None:
    folder = folder_of(finished)
    os.utime(folder.features, ns=(0, folder.summary.stat().st_mtime_ns + 1))
    assert again(finished) == []


def test_arrays_that_the_study_does_not_keep_are_not_missed(finished: Request, nothing_whole: None) -> None:
    folder_of(finished).features.unlink()
    assert again(dataclasses.replace(finished, study=dataclasses.replace(finished.study, keep=("predictions",)))) == []


def test_damage_without_a_sign_is_found_where_it_is_looked_for(finished: Request) -> None:
    path = folder_of(finished).features
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert again(finished) == []
    assert again(dataclasses.replace(finished, verify=True)) == [("baseline", 0)]


def test_the_figures_are_read_where_they_are_shown(finished: Request) -> None:
    path = folder_of(finished).summary
    path.write_bytes(path.read_bytes().replace(b'"airplane"', b'"aeroplane"'))
    status = with_figures(study_status(finished.study, finished.results), finished.study.name, finished.results)
    damaged, *whole = status.runs
    assert (damaged.state, damaged.cause) == ("failed", "summary.json fails its checksum")
    assert {(run.state, run.detail[:13]) for run in whole} == {("finished", "top-1 intact ")}
