"""Which runs a report uses, which it leaves out and why, and what it flags."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from alexnet_study.files import digest
from alexnet_study.report.collection import collect
from alexnet_study.report.writing import write_report
from alexnet_study.study.study import Study


def test_missing_unfinished_and_damaged_runs_are_named(finished: tuple[Study, Path], results: Path) -> None:
    runs = results / "tiny"
    shutil.rmtree(runs / "baseline/seed-0")
    (runs / "baseline/seed-1/summary.json").unlink()
    shutil.copytree(runs / "skip/seed-1", runs / "other/seed-1")
    predictions = runs / "skip/seed-0/predictions.npz"
    predictions.write_bytes(predictions.read_bytes()[:-1])
    collection = collect(finished[0], results)
    assert [(run.variant, run.seed) for run in collection.runs] == [("skip", 1)]
    reasons = {entry.run: entry.reason for entry in collection.left_out}
    assert reasons["baseline seed 0"] == "not run"
    assert reasons["other"] == "not a variant of the study"
    assert reasons["baseline/seed-1"].startswith("unfinished")
    assert "predictions.npz" in reasons["skip/seed-0"]
    page = write_report(collection, results)
    assert all(run in page.read_text() and run in (page.parent / "report.md").read_text() for run in reasons)


def test_the_title_says_of_what_the_question_was_asked(finished: tuple[Study, Path], results: Path) -> None:
    study, _ = finished
    collection = collect(study, results)
    (kind,) = {run.provenance.source.kind for run in collection.runs}
    (name,) = {run.provenance.source.name for run in collection.runs}
    asked = dataclasses.replace(study, question="Does it help on CIFAR-10?", data=kind)
    assert dataclasses.replace(collection, study=asked).title == "Does it help on CIFAR-10?"
    other = dataclasses.replace(asked, data="cifar100")
    assert dataclasses.replace(collection, study=other).title == f"Does it help on CIFAR-10? Asked of {name}."


@pytest.mark.parametrize("damage", ["{", "3", "[]", "{}", ""])
@pytest.mark.parametrize("name", ["summary.json", "config.json", "provenance.json", "metrics.jsonl"])
def test_any_damaged_file_leaves_its_run_out(
    finished: tuple[Study, Path], results: Path, name: str, damage: str
) -> None:
    (results / "tiny/skip/seed-0" / name).write_text(damage)
    collection = collect(finished[0], results)
    assert len(collection.runs) == 3
    assert [entry.run for entry in collection.left_out] == ["skip/seed-0"]
    assert name in collection.left_out[0].reason


def test_a_copied_run_is_named_and_counts_once(finished: tuple[Study, Path], results: Path) -> None:
    for copy in ("seed-0.bak", "seed-7"):
        shutil.copytree(results / "tiny/skip/seed-0", results / "tiny/skip" / copy)
    collection = collect(finished[0], results)
    assert [run.seed for run in collection.of("skip")] == [0, 1]
    reason = "a run of seed 0; expected its folder to be called seed-0"
    assert {(entry.run, entry.reason) for entry in collection.left_out} == {
        ("skip/seed-0.bak", reason),
        ("skip/seed-7", reason),
    }


def test_runs_unlike_the_others_are_left_out_and_mixed_devices_flagged(
    finished: tuple[Study, Path], results: Path
) -> None:
    config = results / "tiny/skip/seed-0/config.json"
    other = {**json.loads(config.read_text()), "numerics": 9}
    config.write_text(json.dumps({**other, "hash": digest({k: other[k] for k in other.keys() - {"variant", "hash"}})}))
    provenance = results / "tiny/skip/seed-1/provenance.json"
    content = json.loads(provenance.read_text())
    provenance.write_text(json.dumps({**content, "device": "another", "dirty": True}))
    collection = collect(finished[0], results)
    assert [(entry.run, entry.reason) for entry in collection.left_out] == [
        ("skip/seed-0", "unlike the others in numerics")
    ]
    assert any("devices" in flag and "another" in flag for flag in collection.flags)
    assert any("uncommitted" in flag for flag in collection.flags)
