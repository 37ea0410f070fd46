"""Synthetic runs of the published study, made once."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from alexnet_study.data.cache import load_dataset
from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.material import Material, gather
from alexnet_study.study.study import Study, load_study
from tests.conftest import STUDY, execute, write_images

SEEDS = 6


@pytest.fixture(scope="session")
def study() -> Study:
    """jobs/studies/skip.yaml with six seeds, judged at six."""
    return dataclasses.replace(
        load_study(Path("jobs/studies/skip.yaml")), seeds=tuple(range(SEEDS)), looks={SEEDS: 1.0}
    )


@pytest.fixture(scope="session")
def made(study: Study, tmp_path_factory: pytest.TempPathFactory, write_runs: Callable[..., None]) -> Path:
    """The results folder of synthetic runs; not to be changed."""
    results = tmp_path_factory.mktemp("synthetic")
    write_runs(study, results, skill={"baseline": 1.0, "skip": 2.0})
    return results


@pytest.fixture(scope="session")
def collection(study: Study, made: Path) -> Collection:
    """The synthetic runs, collected."""
    return collect(study, made)


@pytest.fixture(scope="session")
def material(collection: Collection, made: Path) -> Material:
    """The synthetic runs, judged."""
    return gather(collection, made / "skip/report")


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of the results that a test may change."""
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """All four runs of the tiny study."""
    home = tmp_path_factory.mktemp("study")
    (home / "tiny.yaml").write_text(STUDY)
    study = load_study(home / "tiny.yaml")
    data = load_dataset(str(write_images(home / "images")))
    for run in study.runs():
        execute(run, data, home / "results")
    return study, home / "results"


@pytest.fixture
def results(finished: tuple[Study, Path], tmp_path: Path) -> Path:
    """A copy of the results that a test may damage."""
    shutil.copytree(finished[1], tmp_path / "results")
    return tmp_path / "results"
