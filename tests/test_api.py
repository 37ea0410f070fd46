"""The Python API: what it gives is what the runs recorded."""

import dataclasses
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import alexnet_study
from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RequestError
from alexnet_study.report.reference import write_reference
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Summary
from alexnet_study.study.study import load_study
from alexnet_study.training.pack import execute_each
from tests.conftest import execute, pack_context


@pytest.fixture
def results(study_file: Path, data: Dataset, tmp_path: Path) -> Path:
    """A study of two variants and two seeds, one of which is missing."""
    for run in load_study(study_file).runs()[:3]:
        execute(run, data, tmp_path / "results")
    unfinished = tmp_path / "results/tiny/skip/seed-1"
    unfinished.mkdir()
    shutil.copy(tmp_path / "results/tiny/skip/seed-0/config.json", unfinished)
    return tmp_path / "results"


@pytest.fixture
def runs(results: Path) -> alexnet_study.Runs:
    return alexnet_study.load_runs(results / "tiny")


def test_importing_the_package_imports_neither_pytorch_nor_pandas() -> None:
    program = "import sys, alexnet_study; before = set(sys.modules); print(sorted({'torch', 'pandas'} & before)); "
    program += "alexnet_study.load_runs; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "[]\nFalse\n"


def test_the_finished_runs_are_there_and_the_others_named(runs: alexnet_study.Runs, results: Path) -> None:
    assert [run.name for run in runs] == ["baseline seed 0", "baseline seed 1", "skip seed 0"]
    assert (len(runs), runs.variants, runs[2].study) == (3, ["baseline", "skip"], "tiny")
    assert runs.left_out == {results / "tiny/skip/seed-1": "unfinished"}
    copy = shutil.copytree(results / "tiny/skip/seed-0", results / "tiny/skip/seed-0.bak")
    again = alexnet_study.load_runs(results / "tiny")
    assert [run.name for run in again] == [run.name for run in runs]
    assert again.left_out == {**runs.left_out, copy: "a run of seed 0; expected its folder to be called seed-0"}
    assert alexnet_study.load_run(copy).seed == 0  # asked for by its own name
    assert runs.get("baseline", 1) is runs.of("baseline")[1]
    with pytest.raises(RequestError, match="no finished run of skip with seed 7; expected a seed of 0"):
        runs.get("skip", 7)
    with pytest.raises(RequestError, match="expected one of baseline, skip"):
        runs.get("skpi", 0)
    with pytest.raises(RequestError, match="no runs; expected a study's folder"):
        alexnet_study.load_runs(results)
    with pytest.raises(RequestError, match="unfinished; expected the folder of a finished run"):
        alexnet_study.load_run(results / "tiny/skip/seed-1")


def test_the_frame_is_tidy_and_holds_the_summaries_figures(runs: alexnet_study.Runs) -> None:
    frame = runs.frame()
    assert list(frame.columns) == ["variant", "seed", "evaluation", "metric", "value", "unit"]
    assert not frame.duplicated(["variant", "seed", "metric"]).any()
    for run in runs:
        own = frame[(frame.variant == run.variant) & (frame.seed == run.seed)].set_index("metric").value
        for name, evaluation in run.summary.evaluations.items():
            assert own[f"evaluations.{name}.top1"] == evaluation.top1
        assert own["gap.proper"] == run.summary.gap.proper
    curves = runs.epochs()
    assert curves[["variant", "seed", "epoch"]].drop_duplicates().shape[0] == len(curves) == 6
    assert curves.test_top1.iloc[-1] == runs[2].epochs[-1].test_top1


def test_the_model_gives_the_recorded_predictions_bit_for_bit(runs: alexnet_study.Runs, data: Dataset) -> None:
    torch.set_num_threads(1)  # those of the study's recipe
    for run in runs:
        recorded = run.predictions()
        assert np.array_equal(recorded["labels"], data.test.labels.numpy())
        for evaluation in run.summary.evaluations:
            model = run.model(lesioned=evaluation == "lesioned")
            assert not any(module.training for module in model.modules())
            with torch.no_grad():
                logits = model(data.test.images).numpy()
                features = model.features(data.test.images)
            assert logits.dtype == recorded[evaluation].dtype == np.float32
            assert logits.tobytes() == recorded[evaluation].tobytes()
            kept = run.features()
            assert np.array_equal(features[kept["images"]].half().numpy(), kept[f"{evaluation}_features"])
    with torch.no_grad():
        assert math.isclose(float(model.probabilities(data.test.images[:1]).sum()), 1, rel_tol=1e-6)
    assert model.classes == data.classes


def test_what_was_not_kept_or_is_damaged_is_one_line(runs: alexnet_study.Runs) -> None:
    run = runs.get("skip", 0)
    folder = RunFolder(run.folder)
    folder.predictions.write_bytes(b"x")
    folder.features.unlink()
    folder.model.unlink()
    for ask, words in (
        (run.predictions, "predictions.npz fails its checksum"),
        (run.features, "features.npz is missing"),
        (run.model, "model.safetensors is missing"),
    ):
        with pytest.raises(RequestError, match=f"seed-0: {words}; expected a run whose study keeps it"):
            ask()


def test_the_reference_runs_are_read_without_arrays() -> None:
    runs = alexnet_study.load_runs("results/reference/skip_jpeg")
    assert len(runs) == 20
    top1 = runs.frame().query("metric == 'evaluations.intact.top1'").groupby("variant", observed=True).value.mean()
    assert top1["skip"] - top1["baseline"] == pytest.approx(0.0604, abs=5e-5)  # as README says
    with pytest.raises(RequestError, match="reference"):
        runs[0].predictions()


def test_a_report_is_made(study_file: Path, results: Path) -> None:
    page = alexnet_study.make_report(study_file, results)
    assert page == results / "tiny/report/index.html"
    assert page.is_file()
    with pytest.raises(RequestError, match="expected a file, or one of"):
        alexnet_study.make_report("skpi")


def test_runs_that_keep_no_arrays_are_reported_without_what_needs_them(
    study_file: Path, data: Dataset, tmp_path: Path
) -> None:
    study = load_study(study_file)
    context = dataclasses.replace(pack_context(data, tmp_path), keep=())
    assert all(isinstance(outcome, Summary) for _, outcome in execute_each(study.runs()[:2], context))
    page = alexnet_study.make_report(study_file, tmp_path)
    assert json.loads(page.with_name("report.json").read_text())["from_arrays"] is None
    copied, _ = write_reference(study, tmp_path, tmp_path / "reference")
    assert copied.is_file()
    (run, _) = alexnet_study.load_runs(tmp_path / "reference/tiny")
    with pytest.raises(RequestError, match=r"predictions\.npz is missing"):
        run.predictions()
