"""`check` says of a study and its data what a person would ask before training."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from alexnet_study.commands.check import main
from alexnet_study.errors import RequestError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.study import load_study

CLAIM = """
claims:
- {id: '1', statement: It gains, definition: d, metric: evaluations.intact.top1, variants: {skip: 1}, below: 2}
- {id: '2', statement: Birds gain, definition: d, metric: evaluations.intact.recall.bird, variants: {skip: 1}, below: 2}
"""


def said(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    """What `check` prints, spaces squeezed."""
    assert main("check", [str(word) for word in words]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_an_odd_folder_is_told_class_by_class(
    study_file: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "train/class1").rename(images / "train/St. Bernard $1")
    (images / "test/class1").rename(images / "test/St. Bernard $1")
    for index in range(8):
        (images / f"train/class3/{index:03}.png").unlink()
    shutil.copy(images / "train/class0/000.png", images / "test/class0/again.png")
    Image.new("L", (40, 30)).save(images / "test/class0/large.png")
    (images / "train/class0/notes.txt").write_text("x")
    study_file.write_text(study_file.read_text() + CLAIM)
    lines = said(capsys, "--study", study_file, "--data", images, "--results", tmp_path / "results")
    for line in ("class0 12 7", "St. Bernard $1 12 5", "class3 4 5", "all 40 22"):
        assert line in lines
    assert any(line.startswith("unbalanced: the largest class has 3.0 times") and "31.8%" in line for line in lines)
    assert "images 32×32 RGB: 61, 40×30 L: 1" in lines
    assert any(line.startswith("the same file 2 times: ") and "again.png" in line for line in lines)
    assert any("files of types that are not read: 1" in line for line in lines)
    assert "twice test images that are training images too, to the pixel: 1" in lines
    assert "claims 1 to be judged: 1" in lines
    assert any(line.startswith("claim 2: not judged, since the data has no class 'bird'") for line in lines)
    assert "time not known of baseline, skip: no run of it is finished in these results" in lines
    assert not (tmp_path / "results").exists()


def test_finished_runs_tell_the_time_and_folders_of_other_data_are_named(
    study_file: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], write_runs: Callable[..., None]
) -> None:
    study = load_study(study_file)
    write_runs(dataclasses.replace(study, seeds=(0,)), tmp_path)
    lines = said(capsys, "--study", study_file, "--data", images, "--results", tmp_path, "--seeds", 3)
    assert f"runs 2 of 6 finished, 0 begun, in {tmp_path / 'tiny'}" in lines
    assert sum("holds a run of another configuration" in line for line in lines) == 2
    taken = RunFolder(tmp_path / "tiny/skip/seed-0").read_provenance().device_seconds
    (time,) = [line for line in lines if line.startswith("time ")]
    assert time.startswith(f"time {4 * taken:.0f} s for 4 runs, one after another, by the median of the 2 finished")


def test_a_misspelt_metric_and_absent_data_are_refused(study_file: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such folder"):
        main("check", ["--study", str(study_file), "--data", str(tmp_path / "absent")])
    study_file.write_text(study_file.read_text() + CLAIM.replace("top1", "topp1"))
    with pytest.raises(RequestError, match=r"did you mean evaluations\.intact\.top1"):
        main("check", ["--study", str(study_file)])
