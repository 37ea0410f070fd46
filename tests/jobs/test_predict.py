"""Predictions of given images are the recorded ones; mistakes are one line that names all files."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import softmax

from alexnet_study.api import load_run
from alexnet_study.data.dataset import Dataset
from alexnet_study.data.given_images import read_images
from alexnet_study.evaluation.saliency import saliency
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from tests.conftest import execute


def predict(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "jobs.predict", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(run: RunConfig, data: Dataset, tmp_path: Path) -> Path:
    """A finished run's."""
    execute(run, data, tmp_path)
    return RunFolder.of(tmp_path, run).path


@pytest.mark.parametrize("evaluation", ["intact", "lesioned"])
def test_the_test_images_get_the_recorded_probabilities(folder: Path, images: Path, evaluation: str) -> None:
    paths = sorted((images / "test").glob("*/*"))
    words = ["--lesioned"] if evaluation == "lesioned" else []
    said = predict("--run", folder, *words, *paths)
    assert said.returncode == 0, said.stderr
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    run = load_run(folder)
    expected = softmax(run.predictions()[evaluation], axis=1)
    assert [row["image"] for row in rows] == [str(path) for path in paths]
    given = np.array([[float(row[f"p({name})"]) for name in run.classes] for row in rows])
    assert given == pytest.approx(expected, abs=1e-5)
    assert [row["predicted"] for row in rows] == [run.classes[index] for index in expected.argmax(1)]


def test_a_picture_shows_image_and_saliency(folder: Path, tmp_path: Path) -> None:
    large = tmp_path / "a photo.png"
    noise = np.random.default_rng(0).integers(0, 256, size=(48, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(large)
    said = predict("--run", folder, "--saliency", tmp_path / "where", large, large)
    assert said.returncode == 0, said.stderr
    assert sorted(path.name for path in (tmp_path / "where").iterdir()) == ["1-a photo.png", "2-a photo.png"]
    with Image.open(tmp_path / "where/1-a photo.png") as picture:
        assert picture.size == (2 * 32 * 8, 32 * 8)
        pixels = np.asarray(picture)
    small = torch.from_numpy(read_images([large]))
    model = load_run(folder).model()
    (expected,) = saliency(model, small, model(small).argmax(1)).numpy()
    assert np.array_equal(pixels[::8, : 32 * 8 : 8], small[0].numpy().transpose(1, 2, 0))
    assert np.abs(pixels[::8, 32 * 8 :: 8, 0] / 255 - expected).max() < 0.01


def test_a_file_in_the_place_of_the_pictures_folder_is_one_line(folder: Path, images: Path) -> None:
    image = next((images / "test").glob("*/*"))
    said = predict("--run", folder, "--saliency", image, image)
    assert (said.returncode, said.stderr) == (2, f"error: {image}: a file; expected a folder\n")


def test_what_cannot_be_read_is_named_in_one_line(folder: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    good = next((images / "test").glob("*/*"))
    refused = predict("--run", folder, good, tmp_path / "absent.png", tmp_path / "text.png", tmp_path)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    for words in ("absent.png (no such file)", "text.png (cannot identify", f"{tmp_path} (not a file)"):
        assert words in refused.stderr
    refused = predict("--run", tmp_path, good)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "no run; expected the folder of a finished run" in refused.stderr
