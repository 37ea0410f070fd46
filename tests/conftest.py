"""A tiny image folder and a tiny study: a run of them takes seconds."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import Interruption
from alexnet_study.runs.records import Summary
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training.device import usable_device
from alexnet_study.training.pack import PackContext, execute_each
from benchmarks import synthetic_runs
from tests.image import image
from tests.recorder import recorder

__all__ = ["image", "recorder"]  # fixtures: one for all folders of tests

os.environ.setdefault("MPLBACKEND", "agg")

settings.register_profile("any machine", deadline=None)  # an example's time is the machine's, not the code's
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what takes minutes, unless it is asked for."""
    if os.environ.get("SLOW_TESTS") != "1":
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="SLOW_TESTS=1 runs what takes minutes"))


STUDY = """
name: tiny
question: Does it work?
data: digits
seeds: 2
recipe: {epochs: 2, batch_size: 16, learning_rate: 0.05, threads: 1}
variants:
  baseline: {model: {widths: [4, 4, 4, 4, 4], hidden: 8}}
  skip: {model: {widths: [4, 4, 4, 4, 4], hidden: 8, skips: [conv2]}}
"""


BITS = ("summary.json", "predictions.npz", "features.npz", "model.safetensors", "config.json")


def write_images(folder: Path, *, classes: int = 4, train: int = 12, test: int = 5) -> Path:
    """PNG images of `classes` colours with noise, in train/<class>/* and test/<class>/*."""
    rng = np.random.default_rng(0)
    colours = rng.uniform(40, 215, size=(classes, 3))
    for split, count in (("train", train), ("test", test)):
        for label, colour in enumerate(colours):
            home = folder / split / f"class{label}"
            home.mkdir(parents=True)
            for index in range(count):
                pixels = np.clip(colour + rng.normal(0, 20, size=(32, 32, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(home / f"{index:03}.png")
    return folder


def bits(folder: RunFolder) -> dict[str, object]:
    """All of a run that must not depend on how it was carried out."""
    content: dict[str, object] = {name: (folder.path / name).read_bytes() for name in BITS}
    return content | {"metrics": [replace(record, seconds=0, images_per_second=0) for record in folder.read_metrics()]}


def pack_context(
    data: Dataset,
    results: Path,
    *,
    interruption: Interruption | None = None,
    inexact_resume: bool = False,
    asked: str = "auto",
) -> PackContext:
    """What runs on this machine share."""
    return PackContext(
        data=data,
        results=results,
        device=usable_device("auto"),
        asked=asked,
        interruption=interruption or Interruption(),
        inexact_resume=inexact_resume,
    )


def execute(
    run: RunConfig, data: Dataset, results: Path, *, inexact_resume: bool = False, asked: str = "auto"
) -> Summary:
    """Carry out one run alone; return its summary, or raise what ended it."""
    ((_, outcome),) = execute_each([run], pack_context(data, results, inexact_resume=inexact_resume, asked=asked))
    if isinstance(outcome, RunError):
        raise outcome
    return outcome


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A data folder of 48 training and 20 test images."""
    return write_images(tmp_path / "images")


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A study of two small variants and two seeds."""
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def data(images: Path) -> Dataset:
    """The data folder's images."""
    return load_dataset(str(images))


@pytest.fixture
def run(study_file: Path) -> RunConfig:
    """The study's skip variant with seed 0."""
    return load_study(study_file).run("skip", 0)


@pytest.fixture
def installed() -> Iterator[Interruption]:
    """What receives this process's signals during a test."""
    numbers = (signal.SIGUSR2, signal.SIGTERM, signal.SIGINT)
    before, hook = {number: signal.getsignal(number) for number in numbers}, sys.unraisablehook
    yield Interruption().install()
    sys.unraisablehook = hook
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def write_runs() -> Callable[..., None]:
    """What writes all runs of a study, made of random numbers."""
    return synthetic_runs.write_runs
