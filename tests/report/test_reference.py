"""The committed reference: the same numbers without the arrays, and no machine's name."""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from alexnet_study.errors import RequestError
from alexnet_study.report.audit.look_log import record_looks
from alexnet_study.report.collection import REFERENCE, collect
from alexnet_study.report.reference import write_reference
from alexnet_study.report.writing import write_report
from alexnet_study.study.identity import identity_hash
from alexnet_study.study.study import Study


def test_a_reference_says_what_the_runs_say(study: Study, copy: Path, tmp_path: Path) -> None:
    page, megabytes = write_reference(study, copy, tmp_path / "reference")
    before = json.loads((copy / "skip/report/report.json").read_text())
    after = json.loads((page.parent / "report.json").read_text())
    assert after.pop("from_arrays") == {**before.pop("from_arrays"), "kept": True}
    assert after == before
    files = [path for path in (tmp_path / "reference").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".jsonl", ".csv", ".md", ".png", ".html"}
    assert not list((page.parent / "tables").glob("*.md"))
    left_out = json.loads((tmp_path / "reference/skip" / REFERENCE).read_text())["left_out"]
    assert set(left_out) >= {"report/figures/*.svg", "report/tables/*.tex"}
    for link in re.findall(r'href="((?:figures|tables|from_)[^"#]*)"', page.read_text()):
        assert (page.parent / link).is_file()
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
    assert write_reference(fewer, copy, target)[0].exists()  # it asks for fewer, but has as many
    with pytest.raises(RequestError, match="itself a reference"):
        write_reference(study, target, tmp_path / "other")
    (target / "skip" / REFERENCE).unlink()
    for wrong in (target, copy):
        with pytest.raises(RequestError, match="runs of its own"):
            write_reference(study, copy, wrong)


@pytest.fixture
def reference(copy: Path, tmp_path: Path) -> Path:
    """A reference's runs, without the arrays and the report that a reference has too."""
    target = tmp_path / "reference"
    shutil.copytree(copy, target, ignore=shutil.ignore_patterns("*.npz"))
    (target / "skip" / REFERENCE).write_text("{}")
    return target


def changed(study: Study, **recipe: object) -> Study:
    return dataclasses.replace(study, recipe={**study.recipe, **recipe})


def reached(*_: object) -> Path:
    """What stands in for the report of a reference that isn't refused."""
    raise LookupError


def test_a_lesser_reference_replaces_none_unless_forced(
    study: Study, copy: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alexnet_study.report.reference.write_report", reached)
    with pytest.raises(LookupError):
        write_reference(study, copy, reference)
    shutil.rmtree(copy / "skip/baseline/seed-5")
    with pytest.raises(RequestError, match=r"5 seeds of baseline would replace 6; .*FORCE=1"):
        write_reference(study, copy, reference)
    with pytest.raises(LookupError):
        write_reference(study, copy, reference, force=True)


def test_runs_of_an_older_recipe_replace_no_reference(
    study: Study, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_runs: Callable[..., None]
) -> None:
    monkeypatch.setattr("alexnet_study.report.reference.write_report", reached)
    other = tmp_path / "other"
    write_runs(changed(study, epochs=4), other, images=60, kept=20)
    with pytest.raises(RequestError, match="skip would have an older recipe"):
        write_reference(study, other, reference)
    with pytest.raises(LookupError):  # the study file's own recipe is the newer one
        write_reference(changed(study, epochs=4), other, reference)


def test_runs_of_other_data_replace_no_reference(study: Study, copy: Path, reference: Path) -> None:
    for path in copy.glob("skip/*/seed-*/config.json"):
        content = json.loads(path.read_text())
        content["dataset"] = "other"
        path.write_text(json.dumps({**content, "hash": identity_hash(content)}))
    with pytest.raises(RequestError, match="the data would be another"):
        write_reference(study, copy, reference)


def test_a_report_goes_elsewhere_and_leaves_the_runs_as_they_were(study: Study, copy: Path, tmp_path: Path) -> None:
    record_looks(collect(study, copy), copy / "skip")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    page = write_report(collect(study, copy), tmp_path / "mine")
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert not (tmp_path / "mine/skip/looks.jsonl").exists()  # the look was recorded beside the runs
    links = re.findall(r'<a href="([^"#]*/seed-0/)">', page.read_text())
    assert len(links) == 2
    assert all((page.parent / link / "summary.json").exists() for link in links)


def test_a_report_that_cant_be_written_is_one_line_that_names_the_way(study: Study, copy: Path) -> None:
    (copy / "skip/report").write_text("in the way, as a read-only folder is")
    with pytest.raises(RequestError, match=r"report: cannot write there: .* --target DIR \(make report TARGET=DIR\)"):
        write_report(collect(study, copy), copy)


def test_a_copied_run_is_laid_out_as_a_new_one(study: Study, copy: Path, tmp_path: Path) -> None:
    summary = copy / "skip/baseline/seed-0/summary.json"
    laid_out = summary.read_bytes()
    summary.write_text(json.dumps(json.loads(laid_out), indent=4))
    write_reference(study, copy, tmp_path / "reference")
    assert (tmp_path / "reference/skip/baseline/seed-0/summary.json").read_bytes() == laid_out
