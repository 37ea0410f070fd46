"""What tests of submissions share: a request, and clients of SLURM that are pretended."""

import dataclasses
from pathlib import Path

import pytest

from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.submission import Request
from alexnet_study.study.study import load_study
from tests.cluster.pretended import PretendedSlurm


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretendedSlurm:
    """The pretended clients, first on the PATH."""
    return PretendedSlurm(tmp_path / "bin", monkeypatch)


@pytest.fixture
def submission_request(study_file: Path, images: Path, tmp_path: Path) -> Request:
    """Both variants of the study with four seeds."""
    study = dataclasses.replace(load_study(study_file), data=str(images), seeds=(0, 1, 2, 3))
    return Request(
        study_file=study_file,
        study=study,
        profile=Profile(),
        results=tmp_path / "results",
        cwd=tmp_path,
        allow_dirty=True,
    )
