"""The committed reference: the same numbers without the arrays, and no machine's name."""

import dataclasses
import json
from pathlib import Path

import pytest

from alexnet_study.errors import RequestError
from alexnet_study.report.collection import REFERENCE, collect
from alexnet_study.report.reference import write_reference
from alexnet_study.report.writing import write_report
from alexnet_study.study.study import Study


def test_a_reference_says_what_the_runs_say(study: Study, copy: Path, tmp_path: Path) -> None:
    page, megabytes = write_reference(study, copy, tmp_path / "reference")
    before = json.loads((copy / "skip/report/report.json").read_text())
    after = json.loads((page.parent / "report.json").read_text())
    assert after.pop("from_arrays") == {**before.pop("from_arrays"), "kept": True}
    assert after == before
    files = [path for path in (tmp_path / "reference").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".jsonl", ".csv", ".md", ".tex", ".svg", ".png", ".html"}
    assert megabytes == pytest.approx(sum(path.stat().st_size for path in files) / 1e6)
    assert megabytes < 5
    assert not any("a-host" in path.read_text() for path in files if path.suffix != ".png")
    content = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    write_report(collect(study, tmp_path / "reference"), tmp_path / "reference")
    assert content == {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}


def test_a_reference_replaces_an_earlier_one_and_nothing_else(study: Study, copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "reference"
    write_reference(study, copy, target)
    fewer = dataclasses.replace(study, seeds=(0, 1))
    assert write_reference(fewer, copy, target)[0].exists()
    with pytest.raises(RequestError, match="itself a reference"):
        write_reference(study, target, tmp_path / "other")
    (target / "skip" / REFERENCE).unlink()
    for wrong in (target, copy):
        with pytest.raises(RequestError, match="runs of its own"):
            write_reference(study, copy, wrong)
