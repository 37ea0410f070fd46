"""The image of this checkout, built once; skipped, with the reason, where Docker is missing or its tests are off."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image's tag, and a word that stood in the package settings of its build."""

    tag: str
    secret: str


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image of the working tree."""
    if os.environ.get("DOCKER_TESTS", "0") == "0":
        pytest.skip("DOCKER_TESTS=1 switches on what builds the image")
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker daemon answers")
    secret = f"secret-{uuid.uuid4().hex}"
    settings = tmp_path_factory.mktemp("settings") / "pip.conf"
    usual = os.environ.get("BUILD_PIP_CONFIG")
    settings.write_text(f"# {secret}\n" + (Path(usual).read_text() if usual else "[global]\n"))
    image = Image(tag="alexnet-study-test:latest", secret=secret)
    build(image.tag, Path.cwd(), BUILD_PIP_CONFIG=str(settings))
    yield image
    subprocess.run(["docker", "image", "rm", "--force", image.tag], capture_output=True, check=True)


def build(tag: str, checkout: Path, **environment: str) -> None:
    """`make image` of a checkout."""
    command = ["slurm/image.sh", "build"]
    environ = os.environ | {"IMAGE": tag} | environment
    done = subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
