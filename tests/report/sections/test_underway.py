"""The page tells of the runs that are not finished when it is made, and of none where all are."""

import dataclasses
from pathlib import Path

from alexnet_study.commands.report import main
from alexnet_study.report.material import Material
from alexnet_study.report.sections import underway
from alexnet_study.report.underway import Underway, UnfinishedRun
from alexnet_study.runs.folder import RunFolder

STUDY = "jobs/studies/skip.yaml"
HELD = UnfinishedRun(variant="skip", seed=7, state="waiting", detail="held (JobHeldUser): make retry releases it")


def test_a_row_tells_the_state_and_why(material: Material) -> None:
    known = Underway(time="today", runs=(HELD,), notes=("The queue is not known.",))
    section = underway.section(dataclasses.replace(material, underway=known))
    assert section is not None
    assert section.text[:2] == (
        "As of today. The numbers of this report are of the finished runs alone.",
        "The queue is not known.",
    )
    (made,) = section.tables
    row = {"variant": "skip", "seed": 7, "state": "waiting", "what": HELD.detail}
    assert made.tidy.to_dict("records") == [row]


def test_nothing_is_said_where_nothing_is_under_way(material: Material) -> None:
    assert underway.section(material) is None
    assert underway.section(dataclasses.replace(material, underway=Underway(time="today", runs=()))) is None


def test_the_page_of_the_command_has_the_states(copy: Path) -> None:
    folder = RunFolder(copy / "skip/baseline/seed-5")
    kept = folder.summary.rename(copy / "kept")
    assert main("report", ["--study", STUDY, "--results", str(copy)]) == 0
    report = copy / "skip/report"
    assert "its summary.json is missing" in (report / "index.html").read_text()
    assert (report / "tables/underway.csv").read_text().splitlines()[1:] == [
        "baseline,5,failed,its summary.json is missing"
    ]
    kept.rename(folder.summary)
    assert main("report", ["--study", STUDY, "--results", str(copy)]) == 0
    assert "its summary.json is missing" not in (report / "index.html").read_text()
    assert list((report / "tables").glob("underway.*")) == []
