"""A submission's data: a source goes by its name, a folder by its absolute path, and nothing else is sent."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import yaml

from alexnet_study.cluster.launchers.launcher import QueuedJob
from alexnet_study.cluster.launchers.slurm import Slurm
from alexnet_study.cluster.plans.freeze import freeze_study
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.submission import Request, dry_run, submit
from alexnet_study.commands.submit import parser
from alexnet_study.data import sources
from alexnet_study.data.arrays import Arrays
from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError, RunError
from alexnet_study.study.study import load_study


class Stripes:
    """A third source: two plain and two striped images in each split."""

    def manifest(self) -> dict[str, object]:
        """Its name says all."""
        return {"kind": "stripes", "name": "stripes", "files": []}

    def files(self) -> list[str]:
        """It has none."""
        return []

    def notes(self) -> list[str]:
        """There is nothing to know."""
        return []

    def beside(self) -> None:
        """It has no folder."""

    def decode(self) -> Arrays:
        """Four images in each split."""
        images = np.zeros((4, 3, 32, 32), dtype=np.uint8)
        images[2:, :, ::2] = 255
        labels, classes = np.repeat(np.arange(2, dtype=np.int64), 2), ("plain", "striped")
        return Arrays(
            train_images=images,
            train_labels=labels,
            test_images=images,
            test_labels=labels,
            classes=classes,
        )


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a source that has just been put into the table."""
    monkeypatch.setitem(sources.SOURCES, "stripes", Stripes)
    return "stripes"


def request_for(study_file: Path, results: Path, source: str) -> Request:
    return Request(
        study_file=study_file,
        study=dataclasses.replace(load_study(study_file), data=source),
        profile=Profile(),
        results=results,
        cwd=Path.cwd(),
        allow_dirty=True,
    )


def test_a_source_of_the_table_is_submitted_by_its_name(third: str, study_file: Path, tmp_path: Path) -> None:
    request = request_for(study_file, tmp_path / "results", third)
    outcome = dry_run(request)
    assert outcome.plan.source == third
    assert not any("--data" in note for note in outcome.notes)
    freeze_study(study_file, request.study, (), tmp_path / "frozen.yaml")
    assert yaml.safe_load((tmp_path / "frozen.yaml").read_text())["data"] == third


def test_a_source_of_the_table_is_loaded_by_its_name(third: str, tmp_path: Path) -> None:
    data = load_dataset(third, cache=tmp_path)
    assert (data.classes, data.source.kind) == (("plain", "striped"), "stripes")


def test_help_and_errors_list_every_source(third: str) -> None:
    listed = f"{', '.join(sources.SOURCES)} or a folder with train/<class>/* and test/<class>/*"
    assert third in listed
    assert listed in " ".join(parser("x").format_help().split())
    with pytest.raises(RequestError, match="no such folder; expected ") as caught:
        load_dataset("cifar11")
    assert str(caught.value) == f"--data cifar11: no such folder; expected {listed}"


def test_a_folder_is_submitted_by_its_absolute_path(
    images: Path, study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = dry_run(request_for(study_file, tmp_path / "results", "images")).plan
    assert plan.source == str(images)
    (tmp_path / "digits").mkdir()  # a folder of a source's name goes by ./digits
    plan = dry_run(request_for(study_file, tmp_path / "results", "./digits")).plan
    assert plan.source == str(tmp_path / "digits")


def test_what_is_neither_is_refused_before_the_queue_is_asked(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def silent_queue(*_: object) -> list[QueuedJob]:
        asked.append("queue")
        raise RunError("no controller")

    monkeypatch.setattr(Slurm, "check_reachable", lambda _: asked.append("clients"))
    monkeypatch.setattr(Slurm, "queue", silent_queue)
    request = request_for(study_file, tmp_path / "results", "cifar11")
    with pytest.raises(
        RequestError, match=f"--data cifar11: no such folder; expected {', '.join(sources.SOURCES)} or a folder"
    ):
        submit(request)
    assert asked == []
    assert not (tmp_path / "results").exists()
    assert any("--data cifar11: no such folder" in note for note in dry_run(request).notes)
