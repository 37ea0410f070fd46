"""`check` says of a study and its data what a person would ask before training."""

import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from alexnet_study.commands import expected_time
from alexnet_study.commands.check import main
from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RequestError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training.pace import Pace
from tests.conftest import execute, write_images

CLAIM = """
claims:
- {id: '1', statement: It gains, definition: d, metric: evaluations.intact.top1, variants: {skip: 1}, below: 2}
- {id: '2', statement: Birds gain, definition: d, metric: evaluations.intact.recall.bird, variants: {skip: 1}, below: 2}
"""


def said(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    """What `check` prints, spaces squeezed."""
    assert main("check", [str(word) for word in words]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The variants whose steps are timed; an epoch of 48 images takes a minute, an evaluation no time."""
    variants: list[str] = []

    def pace_of(run: RunConfig, data: Dataset, device: object) -> Pace:
        if run.recipe.precision == "tf32":
            raise RequestError("no GPU")
        variants.append(run.variant)
        return Pace(training=60 / 48, evaluation=0, train=48, test=len(data.test), steps=10, device="abacus")

    monkeypatch.setattr(expected_time, "pace_of", pace_of)
    return variants


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
    assert not (tmp_path / "results").exists()


def test_a_hundred_classes_are_counted_one_by_one(
    study_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = write_images(tmp_path / "hundred", classes=100, train=2, test=1)
    lines = said(capsys, "--study", study_file, "--data", images, "--results", tmp_path / "results")
    assert all(f"class{number} 2 1" in lines for number in range(100))
    assert any(line.startswith("data hundred, 100 classes, content hash ") for line in lines)
    assert "all 200 100" in lines
    balanced = "balanced: the largest class has 1.0 times the smallest's training images; "
    assert f"{balanced}the commonest class is 1.0% of the test images" in lines


def test_each_run_on_a_folder_is_known_by_the_statistics_that_it_was_trained_by(
    study_file: Path, images: Path, run: RunConfig, data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(run, data, tmp_path)
    capsys.readouterr()
    words = ("--study", study_file, "--data", images, "--results", tmp_path)
    lines = said(capsys, *words)
    assert f"runs 1 of 4 finished, 0 begun, in {tmp_path / 'tiny'}" in lines
    assert f"normalised by {data.statistics}, where the study gives no other statistics" in lines
    assert not any("another configuration" in line for line in lines)
    lines = said(capsys, *words, "--set", "recipe.normalisation={mean: [0.5, 0.5, 0.5], std: [1, 1, 1]}")
    (other,) = [line for line in lines if "another configuration" in line]
    assert f"recipe.normalisation: {data.statistics} there, mean 0.5 0.5 0.5, std 1 1 1 here" in other


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda f: [shutil.rmtree(f / s / f"class{n}") for s in ("train", "test") for n in (1, 2, 3)], "classes: 1,"),
        (lambda f: shutil.rmtree(f / "test"), "test/ is missing; expected train/<class>/"),
        (lambda f: [path.unlink() for path in f.glob("test/class2/*")], "test/ has no images in class class2"),
    ],
)
def test_data_that_cannot_be_used_is_one_line(
    study_file: Path, images: Path, change: Callable[[Path], object], line: str
) -> None:
    change(images)
    command = [sys.executable, "-m", "jobs.check", "--study", study_file, "--data", images]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert line in done.stderr


def test_finished_runs_tell_the_time_and_folders_of_other_data_are_named(
    study_file: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    write_runs: Callable[..., None],
    timed: list[str],
) -> None:
    study = load_study(study_file)
    write_runs(dataclasses.replace(study, seeds=(0,)), tmp_path)
    lines = said(capsys, "--study", study_file, "--data", images, "--results", tmp_path, "--seeds", 3)
    assert f"runs 2 of 6 finished, 0 begun, in {tmp_path / 'tiny'}" in lines
    assert sum("holds a run of another configuration" in line for line in lines) == 2
    taken = RunFolder(tmp_path / "tiny/skip/seed-0").read_provenance().device_seconds
    (time,) = [line for line in lines if line.startswith("time ")]
    assert time.startswith(f"time {4 * taken:.0f} s for 4 runs, one after another, by the median of the 2 finished")
    assert not timed


BY = "one after another: an estimate from 10 timed steps on this machine's abacus"


@pytest.mark.parametrize(("epochs", "own", "total"), [(2, "4 min", "8 min"), (4, "8 min", "16 min")])
def test_without_finished_runs_each_variant_has_an_estimate_that_grows_with_the_epochs(
    study_file: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    timed: list[str],
    epochs: int,
    own: str,
    total: str,
) -> None:
    words = ("--study", study_file, "--data", images, "--results", tmp_path / "results", "--device", "cpu")
    lines = said(capsys, *words, "--set", f"recipe.epochs={epochs}")
    first = lines.index(f"time about {own} for 2 runs of baseline, {BY}")
    assert lines[first + 1] == f"about {own} for 2 runs of skip, {BY}"
    assert lines[first + 2].startswith(f"{total} by these estimates in all: training and evaluation alone")
    assert timed == ["baseline", "skip"]


def test_variants_whose_steps_are_alike_share_one_timing(
    study_file: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], timed: list[str]
) -> None:
    longer = "{recipe: {epochs: 6, learning_rate: 0.1}, model: {widths: [4, 4, 4, 4, 4], hidden: 8}}"
    study_file.write_text(study_file.read_text() + f"  longer: {longer}\n")
    words = ("--study", study_file, "--data", images, "--results", tmp_path / "results", "--device", "cpu")
    lines = said(capsys, *words)
    assert f"about 12 min for 2 runs of longer, {BY}" in lines
    assert timed == ["baseline", "skip"]


def test_only_variants_without_a_finished_run_are_timed(
    study_file: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    write_runs: Callable[..., None],
    timed: list[str],
) -> None:
    write_runs(dataclasses.replace(load_study(study_file), seeds=(0,)), tmp_path)
    shutil.rmtree(tmp_path / "tiny/skip")
    lines = said(capsys, "--study", study_file, "--data", images, "--results", tmp_path, "--device", "cpu")
    (first,) = [index for index, line in enumerate(lines) if line.startswith("time ")]
    assert "for 1 run, one after another, by the median of the 1 finished ones" in lines[first]
    assert lines[first + 1] == f"about 4 min for 2 runs of skip, {BY}"
    assert timed == ["skip"]


def test_a_variant_that_this_machine_cannot_train_is_named_with_the_reason(
    study_file: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], timed: list[str]
) -> None:
    words = ("--study", study_file, "--data", images, "--results", tmp_path / "results", "--device", "cpu")
    lines = said(capsys, *words, "--set", "recipe.precision=tf32")
    assert {"time not known of baseline: no GPU", "not known of skip: no GPU"} <= set(lines)
    assert not any("estimate" in line for line in lines)
    assert not timed


def test_real_steps_are_timed_and_nothing_is_written(
    study_file: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_dataset(str(images))  # whose cache is written where there is none
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    words = ("--study", study_file, "--data", images, "--results", tmp_path / "results", "--device", "cpu")
    text = "\n".join(said(capsys, *words))
    for variant in ("baseline", "skip"):
        of = f"for 2 runs of {variant}, one after another"
        assert re.search(rf"about .+ {of}: an estimate from \d+ timed steps? on this machine's CPU .+, 1 threads", text)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_a_misspelt_metric_and_absent_data_are_refused(study_file: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such folder"):
        main("check", ["--study", str(study_file), "--data", str(tmp_path / "absent")])
    study_file.write_text(study_file.read_text() + CLAIM.replace("top1", "topp1"))
    with pytest.raises(RequestError, match=r"did you mean evaluations\.intact\.top1"):
        main("check", ["--study", str(study_file)])
