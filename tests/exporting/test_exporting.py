"""Exports, read back by each tool's own reader: the figures are those of the runs."""

import contextlib
import csv
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml

from alexnet_study.api import Run, Runs, load_runs
from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError
from alexnet_study.exporting.mlflow_server import check_reachable
from alexnet_study.exporting.table import export_runs
from alexnet_study.study.study import load_study
from tests.conftest import execute

ODD = ("a cat, $5", "a cat, %5")  # classes whose names tools refuse, or would take for one another


@pytest.fixture
def runs(study_file: Path, images: Path, tmp_path: Path) -> Runs:
    """Two runs, on classes of odd names."""
    for split in ("train", "test"):
        for number, name in enumerate(ODD):
            (images / split / f"class{number}").rename(images / split / name)
    data = load_dataset(str(images))
    study = load_study(study_file)
    for variant in study.variants:
        execute(study.run(variant, 0), data, tmp_path / "results")
    return load_runs(tmp_path / "results/tiny")


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"the extra {package} is not installed")


def recall(run: Run, name: str) -> float | None:
    return run.summary.evaluations["intact"].recall[run.classes.index(name)]


def test_csv_files_hold_all_figures(runs: Runs, tmp_path: Path) -> None:
    export_runs(runs, "csv", str(tmp_path / "csv"))
    figures = list(csv.DictReader((tmp_path / "csv/figures.csv").open()))
    found = {(row["variant"], row["metric"]): row["value"] for row in figures}
    for run in runs:
        assert float(found[run.variant, "evaluations.intact.top1"]) == run.summary.evaluations["intact"].top1
        assert float(found[run.variant, f"evaluations.intact.recall.{ODD[0]}"]) == recall(run, ODD[0])
    epochs = list(csv.DictReader((tmp_path / "csv/epochs.csv").open()))
    assert [(row["variant"], row["epoch"]) for row in epochs] == [(v, e) for v in ("baseline", "skip") for e in "01"]


@needs("tensorboard")
def test_tensorboards_own_reader_finds_curves_and_figures(runs: Runs, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # again, which replaces
        export_runs(runs, "tensorboard", str(tmp_path / "events"))
    for run in runs:
        reader = EventAccumulator(str(tmp_path / f"events/{run.variant}/seed-0"))
        reader.Reload()
        curve = [(event.step, event.value) for event in reader.Scalars("epochs/test_top1")]
        assert curve == [(r.epoch + 1, pytest.approx(r.test_top1)) for r in run.epochs]
        (final,) = reader.Scalars("final/evaluations.intact.top1")
        assert final.value == pytest.approx(run.summary.evaluations["intact"].top1)
        assert final.wall_time >= run.provenance.attempts[0].start
        (recalled,) = reader.Scalars(f"final/evaluations.intact.recall.{ODD[1]}")
        assert recalled.value == pytest.approx(recall(run, ODD[1]))
        (text,) = reader.Tensors("configuration")
        assert b"| recipe.epochs | 2 |" in text.tensor_proto.string_val[0]


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The address of a tracking server that keeps everything in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'server.db'}",
        "--artifacts-destination",
        str(folder / "kept"),
    ]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--workers",
        "1",
        *where,
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and server.poll() is None:
            with contextlib.suppress(RequestError):
                check_reachable(f"http://127.0.0.1:{port}")
                break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@needs("mlflow")
def test_mlflow_keeps_runs_in_a_file_of_sqlite(runs: Runs, tmp_path: Path) -> None:
    assert_mlflow_has(runs, f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)


@needs("mlflow")
def test_mlflow_keeps_runs_on_a_running_server(runs: Runs, tmp_path: Path) -> None:
    with mlflow_server(tmp_path) as target:
        assert_mlflow_has(runs, target, tmp_path)


def test_an_address_where_nobody_answers_is_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(RequestError, match=r"--target http://127.*no answer \(.*refused\); expected a tracking"):
            check_reachable(f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(RequestError, match="no answer"):
        check_reachable("http://127.0.0.1:port")


def assert_mlflow_has(runs: Runs, target: str, tmp_path: Path) -> None:
    """Curves, figures and artifacts, logged twice, are there once."""
    from mlflow import MlflowClient

    assert export_runs(runs, "mlflow", target).startswith("2 runs logged")
    assert export_runs(runs, "mlflow", target).startswith("0 runs logged")
    client = MlflowClient(tracking_uri=target)
    experiment = client.get_experiment_by_name("tiny")
    found = {each.info.run_name: each for each in client.search_runs([experiment.experiment_id])}
    assert set(found) == {run.name for run in runs}
    for run in runs:
        logged = found[run.name]
        assert logged.info.status == "FINISHED"
        assert logged.data.params["recipe.epochs"] == "2"
        assert logged.data.tags["alexnet_study.hash"] == run.identity.hash
        assert logged.data.metrics["evaluations.intact.top1"] == run.summary.evaluations["intact"].top1
        for name, own in (("a cat_ _5", ODD[0]), ("a cat_ _5 2", ODD[1])):
            assert logged.data.metrics[f"evaluations.intact.recall.{name}"] == recall(run, own)
        history = client.get_metric_history(logged.info.run_id, "epochs.test_loss")
        assert [(m.step, m.value) for m in history] == [(r.epoch + 1, r.test_loss) for r in run.epochs]
        kept = client.download_artifacts(logged.info.run_id, "model.safetensors", str(tmp_path))
        assert Path(kept).read_bytes() == (run.folder / "model.safetensors").read_bytes()


def test_a_hub_folder_holds_a_card_and_weights_that_load_as_the_card_says(runs: Runs, tmp_path: Path) -> None:
    export_runs(runs, "hub", str(tmp_path / "hub"))
    assert {path.name for path in (tmp_path / "hub").iterdir()} == {"tiny-baseline-seed-0", "tiny-skip-seed-0"}
    folder, run = tmp_path / "hub/tiny-skip-seed-0", runs.get("skip", 0)
    _, front, text = (folder / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    (result,) = card["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == run.summary.evaluations["intact"].top1
    assert (card["license"], "datasets" in card) == ("mit", False)  # a folder's data are nobody's on the hub
    assert ", ".join(run.classes) in text
    program = text.split("```python\n")[1].split("```")[0] + "import torch\n"
    program += "print(sum(float(weights.double().sum()) for weights in model.parameters()))"
    said = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    own = run.model().alexnet
    assert float(said.stdout) == sum(float(weights.detach().double().sum()) for weights in own.parameters())
    assert all(torch.isfinite(weights).all() for weights in own.parameters())


def test_runs_without_weights_are_no_models_for_the_hub(runs: Runs, tmp_path: Path) -> None:
    (runs[1].folder / "model.safetensors").unlink()
    with pytest.raises(RequestError, match=r"no model.safetensors in skip seed 0"):
        export_runs(runs, "hub", str(tmp_path / "hub"))
    assert not (tmp_path / "hub").exists()


def test_the_command_exports_below_the_study_and_names_what_it_leaves_out(runs: Runs) -> None:
    results = runs[0].folder.parents[1]
    (results / "skip/seed-1").mkdir()
    shutil.copy(runs[1].folder / "config.json", results / "skip/seed-1")
    command = [sys.executable, "-m", "jobs.export", str(results), "--to", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"figures.csv and epochs.csv in {results}/export/csv\n")
    assert done.stderr == f"left out: {results}/skip/seed-1: unfinished\n"
    assert len(load_runs(results)) == 2  # the export is no run


def test_a_tool_that_is_not_installed_is_one_line(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    expected = r"the package mlflow is not installed; expected: pip install 'alexnet-study\[mlflow\]'"
    with pytest.raises(RequestError, match=expected):
        export_runs(runs, "mlflow", f"sqlite:///{tmp_path / 'x.db'}")
    assert not (tmp_path / "x.db").exists()
