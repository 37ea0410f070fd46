"""The pins, of both builds of PyTorch: they satisfy what torch requires, and make installs by them."""

import importlib.metadata
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

RECORDED = Path("tests/torch-cu126-requirements.txt")
USUAL, OLDER = Path("constraints.txt"), Path("constraints-cu126.txt")
OF_CUDA = re.compile("torch|torchvision|cuda-.*|nvidia-.*")
INDEX = "https://example.org/cu126"
ENVIRONMENT = {"platform_system": "Linux", "sys_platform": "linux", "platform_machine": "x86_64", "extra": ""}
STUB = """#!/bin/sh
# Python, as far as make setup uses it: it makes environments, and notes what pip is asked
echo "index=$PIP_INDEX_URL $*" >> "$STUB/calls"
[ "$2" = venv ] || exit 0
for word in "$@"; do [ "$word" = --clear ] && rm -rf .venv; folder=$word; done
mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python"
"""


def pins(path: Path) -> dict[str, Version]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    found = [line.split("==") for line in lines]
    return {canonicalize_name(name): Version(version) for name, version in found}


def requirements(lines: list[str]) -> list[Requirement]:
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [each for each in found if each.marker is None or each.marker.evaluate(ENVIRONMENT)]


def unsatisfied(required: list[Requirement], pinned: dict[str, Version]) -> list[str]:
    """What is required in a version that is pinned to another, or to none."""
    return [
        str(each)
        for each in required
        if each.specifier and not each.specifier.contains(pinned.get(canonicalize_name(each.name), Version("0")))
    ]


def required_by(name: str) -> list[Requirement]:
    return requirements(importlib.metadata.requires(name) or [])


def with_extras(required: list[Requirement]) -> list[Requirement]:
    """`required`, and what the extras of each require, by the installed metadata."""
    more = []
    for each in required:
        for line in importlib.metadata.requires(each.name) or [] if each.extras else []:
            inner = Requirement(line)
            if any(inner.marker and inner.marker.evaluate(ENVIRONMENT | {"extra": extra}) for extra in each.extras):
                more.append(inner)
    return required + more


def test_the_pins_satisfy_the_installed_torch() -> None:
    if Version(importlib.metadata.version("torch")).public != str(pins(USUAL)["torch"]):
        pytest.skip("another torch than the pinned one is installed")
    required = with_extras(required_by("torch")) + required_by("torchvision")
    assert len(required) > 20
    assert unsatisfied(required, pins(USUAL)) == []


def test_the_pins_for_cuda_12_6_satisfy_what_that_torch_requires() -> None:
    required = requirements(RECORDED.read_text().splitlines())
    assert unsatisfied(required + required_by("torchvision"), pins(OLDER)) == []
    by_torch_alone = {each.name for each in required if each.name.startswith("nvidia-") and not each.specifier}
    assert by_torch_alone.isdisjoint(pins(OLDER))  # a guess would refuse the wheel
    required_names = {canonicalize_name(each.name) for each in required}
    of_cuda = {name for name in pins(OLDER) if name.startswith(("cuda-", "nvidia-"))}
    assert of_cuda - {"cuda-pathfinder"} <= required_names  # cuda-bindings requires that one
    assert not any("cu13" in name for name in pins(OLDER))


def test_the_pins_of_cuda_13_would_be_refused() -> None:
    """Why there are pins of their own."""
    assert unsatisfied(requirements(RECORDED.read_text().splitlines()), pins(USUAL))


def test_both_pin_the_same_but_for_cuda() -> None:
    usual, older = ({n: v for n, v in pins(path).items() if not OF_CUDA.fullmatch(n)} for path in (USUAL, OLDER))
    assert usual == older
    for name in ("torch", "torchvision"):
        assert pins(OLDER)[name].public == str(pins(USUAL)[name])
        assert pins(OLDER)[name].local == "cu126"


def test_the_record_differs_from_the_installed_torch_in_cuda_alone() -> None:
    if Version(importlib.metadata.version("torch")).public != str(pins(USUAL)["torch"]):
        pytest.skip("another torch than the pinned one is installed")
    recorded = {str(each) for each in requirements(RECORDED.read_text().splitlines())}
    for each in required_by("torch"):
        assert OF_CUDA.fullmatch(each.name) or str(each) in recorded, each


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with what make setup reads, and a stub in Python's place."""
    (tmp_path / "slurm").mkdir()
    for name in ("Makefile", "constraints.txt", "constraints-cu126.txt", "pyproject.toml", "slurm/packages.sh"):
        shutil.copy2(name, tmp_path / name)
    (tmp_path / "python").write_text(STUB)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def setup(checkout: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    unset = ("CUDA", "TORCH_INDEX", "PIP_INDEX_URL", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environ = {name: value for name, value in os.environ.items() if name not in unset} | {"STUB": str(checkout)}
    command = ["make", "--silent", "setup", f"PYTHON={checkout}/python", *words]
    return subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)


def calls(checkout: Path) -> list[str]:
    """What Python was asked since the last look."""
    path = checkout / "calls"
    text = path.read_text() if path.exists() else ""
    path.unlink(missing_ok=True)
    return text.replace(f"{checkout}/", "").splitlines()


OWN = f"index={INDEX} -m pip install --quiet --no-deps --constraint constraints-cu126.txt torch torchvision"
REST = "index= -m pip install --constraint {} --quiet --editable .[dev]"


def test_setup_installs_the_usual_build(checkout: Path) -> None:
    assert setup(checkout).returncode == 0
    assert calls(checkout) == ["index= -m venv .venv", REST.format("constraints.txt")]
    assert setup(checkout).returncode == 0
    assert calls(checkout) == []


def test_setup_takes_another_build_from_its_own_index_into_a_new_environment(checkout: Path) -> None:
    setup(checkout)
    calls(checkout)
    assert setup(checkout, "CUDA=cu126", f"TORCH_INDEX={INDEX}").returncode == 0
    assert calls(checkout) == ["index= -m venv --clear .venv", OWN, REST.format("constraints-cu126.txt")]
    assert setup(checkout).returncode == 0  # what is there stays
    assert calls(checkout) == []
    os.utime(checkout / "constraints.txt", (2**32, 2**32))  # the other build's pins
    assert setup(checkout).returncode == 0
    assert calls(checkout) == []
    assert setup(checkout, "CUDA=cu130").returncode == 0
    assert calls(checkout) == ["index= -m venv --clear .venv", REST.format("constraints.txt")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["CUDA=cu126"], "CUDA=cu126 needs TORCH_INDEX=…; expected the address of PyTorch's index for cu126"),
        (["CUDA=cu128", f"TORCH_INDEX={INDEX}"], "CUDA=cu128 is not valid; expected cu130 or cu126"),
    ],
)
def test_setup_refuses_in_one_line_and_leaves_the_environment(checkout: Path, words: list[str], said: str) -> None:
    setup(checkout)
    calls(checkout)
    done = setup(checkout, *words)
    assert done.returncode == 2
    ours = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(ours) == 1
    assert ours[0].startswith(f"error: {said}")
    assert calls(checkout) == []
    assert setup(checkout).returncode == 0
    assert calls(checkout) == []
