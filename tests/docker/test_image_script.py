"""slurm/image.sh with stubs in place of docker, apptainer and enroot: converted once; what lacks is named."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT, PACKAGE = Path("slurm/image.sh").resolve(), Path("alexnet_study").resolve()
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> "$STUB/calls"
case "$0 $*" in
  */docker*inspect*) cat "$STUB/id" ;;
  */apptainer*) echo > "$2" ;;
  */enroot*) echo > "$3" ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout of the script alone, with all tools and an image."""
    (tmp_path / "checkout/slurm").mkdir(parents=True)
    for name in ("image.sh", "packages.sh"):
        shutil.copy2(SCRIPT.parent / name, tmp_path / "checkout/slurm" / name)
    (tmp_path / "bin").mkdir()
    for tool in ("docker", "apptainer", "enroot"):
        (tmp_path / "bin" / tool).write_text(STUB)
        (tmp_path / "bin" / tool).chmod(0o755)
    (tmp_path / "id").write_text("sha256:1\n")
    return tmp_path


def image(home: Path, command: str) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "STUB": str(home), "IMAGE": "alexnet-study"}
    script = home / "checkout/slurm/image.sh"
    return subprocess.run(["bash", script, command], capture_output=True, text=True, env=environ, check=False)


def conversions(home: Path) -> list[str]:
    return [line for line in (home / "calls").read_text().splitlines() if not line.startswith("docker")]


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("sif", "apptainer build alexnet-study.sif.part docker-daemon://alexnet-study:latest"),
        ("sqsh", "enroot import --output alexnet-study.sqsh.part dockerd://alexnet-study:latest"),
    ],
)
def test_an_image_is_converted_once(home: Path, command: str, call: str) -> None:
    for _ in range(2):
        assert image(home, command).returncode == 0
    assert conversions(home) == [call]
    assert (home / f"checkout/alexnet-study.{command}").exists()
    (home / "id").write_text("sha256:2\n")
    assert image(home, command).returncode == 0
    assert len(conversions(home)) == 2


@pytest.mark.parametrize(
    ("command", "tool"), [("sif", "apptainer"), ("sqsh", "enroot"), ("build", "docker"), ("sif", "docker")]
)
def test_a_missing_tool_is_one_line(home: Path, command: str, tool: str) -> None:
    (home / "bin" / tool).unlink()
    for name in ("sed", "git", "sha256sum", "cut", "basename", "dirname", "cat", "rm", "mv", "mkdir", "bash"):
        (home / "bin" / name).symlink_to(f"/usr/bin/{name}")
    environ = {"PATH": f"{home}/bin", "HOME": str(home), "STUB": str(home)}
    words = ["/bin/bash", home / "checkout/slurm/image.sh", command]
    done = subprocess.run(words, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"needs {tool}" in done.stderr


@pytest.fixture
def checkout(home: Path) -> Path:
    """The checkout with what a build reads."""
    for name, text in (
        ("pyproject.toml", '[project]\nname = "alexnet-study"\nversion = "1.2.3"\n'),
        ("constraints.txt", ""),
        ("constraints-cu126.txt", "torch==2.14.1+cu126\n"),
    ):
        (home / "checkout" / name).write_text(text)
    (home / "checkout/alexnet_study").mkdir()
    for name in ("__init__.py", "files.py", "provenance.py"):  # and no other package: the build's Python may be bare
        (home / "checkout/alexnet_study" / name).write_bytes((PACKAGE / name).read_bytes())
    return home / "checkout"


def built(home: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    known = {name: value for name, value in os.environ.items() if not name.startswith("ALEXNET_STUDY_")}
    environ = known | {"PATH": f"{home}/bin:/usr/bin:/bin", "STUB": str(home)} | environment
    words = ["bash", home / "checkout/slurm/image.sh", "build"]
    return subprocess.run(words, env=environ, check=False, capture_output=True, text=True)


def test_settings_of_the_package_client_go_in_as_secrets(home: Path, checkout: Path) -> None:
    settings = home / "pip.conf"
    settings.write_text("[global]\n")
    assert built(home, BUILD_PIP_CONFIG=str(settings)).returncode == 0
    (call,) = (home / "calls").read_text().splitlines()
    assert f"--secret id=pip,src={settings}" in call
    assert "--build-arg VERSION=1.2.3 --build-arg COMMIT=unknown --build-arg DIRTY= " in call


def test_the_cuda_goes_in_with_its_pins_and_its_index(home: Path, checkout: Path) -> None:
    assert built(home).returncode == 0
    assert built(home, CUDA="cu126", TORCH_INDEX="https://example.org/cu126").returncode == 0
    usual, older = (home / "calls").read_text().splitlines()
    assert f"--build-arg CONSTRAINTS={hashlib.sha256(b'').hexdigest()} --build-arg CUDA=cu130 " in usual
    digest = hashlib.sha256((checkout / "constraints-cu126.txt").read_bytes()).hexdigest()
    assert f"--build-arg CONSTRAINTS={digest} --build-arg CUDA=cu126 " in older
    assert "--build-arg TORCH_INDEX=https://example.org/cu126 " in older


@pytest.mark.parametrize(("cuda", "said"), [("cu126", "needs TORCH_INDEX"), ("cu128", "expected cu130 or cu126")])
def test_an_image_that_cannot_be_built_is_one_line(home: Path, checkout: Path, cuda: str, said: str) -> None:
    done = built(home, CUDA=cuda)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert not (home / "calls").exists()
