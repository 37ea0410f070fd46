"""Synthetic runs of the published study, made once."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from alexnet_study.report.analysis import Analysis, analyse
from alexnet_study.report.collect import Collection, collect
from alexnet_study.study.study import Study, load_study
from tests.report.synthetic import write_runs

SEEDS = 6


@pytest.fixture(scope="session")
def study() -> Study:
    """jobs/studies/skip.yaml with six seeds."""
    return dataclasses.replace(load_study(Path("jobs/studies/skip.yaml")), seeds=tuple(range(SEEDS)))


@pytest.fixture(scope="session")
def made(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of synthetic runs; not to be changed."""
    results = tmp_path_factory.mktemp("synthetic")
    write_runs(study, results, skill={"baseline": 1.0, "skip": 2.0})
    return results


@pytest.fixture(scope="session")
def collection(study: Study, made: Path) -> Collection:
    """The synthetic runs, collected."""
    return collect(study, made)


@pytest.fixture(scope="session")
def analysis(collection: Collection, made: Path) -> Analysis:
    """The synthetic runs, judged."""
    return analyse(collection, made / "skip/report")


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of the results that a test may change."""
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"
