"""What a node's files tell of its GPUs, and which builds of PyTorch serve which driver and GPU."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from alexnet_study import gpu
from alexnet_study.gpu import BUILDS, Node, build_of, runs_on

CU130 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]  # torch.cuda.get_arch_list() says so
CU126 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]  # by PyTorch's RELEASE.md
VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version: 12.2.0\n"
)
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)\n"


@pytest.fixture(autouse=True)
def _neither_library_nor_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu, "_has_libcuda", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.parametrize(
    ("name", "capability", "new", "old"),
    [
        ("GTX 980", (5, 2), False, True),
        ("P100", (6, 0), False, True),
        ("GTX 1080", (6, 1), False, True),
        ("V100", (7, 0), False, True),
        ("T4", (7, 5), True, True),
        ("A100", (8, 0), True, True),
        ("L4", (8, 9), True, True),
        ("H100", (9, 0), True, True),
        ("B200", (10, 0), True, False),
        ("RTX PRO 6000", (12, 0), True, False),
    ],
)
def test_a_gpu_runs_code_of_its_generation(name: str, capability: tuple[int, int], new: bool, old: bool) -> None:
    """By NVIDIA's list of GPUs and the builds' lists of architectures."""
    assert (runs_on(capability, CU130), runs_on(capability, CU126)) == (new, old), name
    served = tuple(BUILDS[build].has_code_for(capability) for build in ("cu130", "cu126"))
    assert served == (new, old), name


@pytest.mark.parametrize(
    ("capability", "architecture", "runs"),
    [
        ((8, 0), "sm_86", False),  # an older minor version
        ((9, 0), "sm_90a", True),
        ((10, 3), "sm_100a", False),  # a generation's own features
        ((10, 3), "sm_100f", True),  # its family's
        ((12, 0), "compute_90", True),  # compiled for the later one
        ((7, 0), "compute_90", False),
        ((12, 0), "compute_90a", False),
        ((9, 0), "gfx90a", False),
    ],
)
def test_machine_code_is_for_one_major_version_and_ptx_for_later_ones(
    capability: tuple[int, int], architecture: str, runs: bool
) -> None:
    assert runs_on(capability, [architecture]) is runs


@pytest.mark.parametrize(
    ("driver", "new", "old"),
    [
        ("470.256.02", False, False),
        ("525.60.13", False, True),
        ("535.183.01", False, True),
        ("580.65.06", True, True),
        ("580.126.09", True, True),  # numbers, not text
        ("1000.1", True, True),
    ],
)
def test_a_driver_runs_every_build_of_its_major_version(driver: str, new: bool, old: bool) -> None:
    assert tuple(BUILDS[build].runs_with(driver) for build in ("cu130", "cu126")) == (new, old)


def test_a_build_is_known_by_the_major_version_of_its_cuda() -> None:
    assert build_of("13.2") is BUILDS["cu130"]
    assert build_of("12.6") is BUILDS["cu126"]
    assert build_of("11.8") is None
    assert build_of(None) is None


@pytest.mark.parametrize(("text", "driver"), [(VERSION, "535.183.01"), (OPEN, "580.65.06"), ("?", None)])
def test_the_driver_and_the_gpus_are_read_from_its_files(tmp_path: Path, text: str, driver: str | None) -> None:
    folder = tmp_path / "proc/driver/nvidia"
    (folder / "gpus/0000:17:00.0").mkdir(parents=True)
    (folder / "version").write_text(text)
    (folder / "gpus/0000:17:00.0/information").write_text("Model: \t\t Tesla V100-SXM2-32GB\nIRQ:   \t\t 78\n")
    node = Node.here(root=tmp_path, environ={})
    assert node.driver == driver
    if driver:
        assert node.gpus == ("Tesla V100-SXM2-32GB",)


def test_nvidia_smi_is_asked_where_the_files_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nvidia-smi").write_text("#!/bin/sh\necho 535.183.01, Tesla P100-PCIE-16GB\n")
    (tmp_path / "bin/nvidia-smi").chmod(0o755)
    node = Node.here(root=tmp_path, environ={})
    assert (node.driver, node.gpus) == ("535.183.01", ("Tesla P100-PCIE-16GB",))


def test_signs_of_a_gpu(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "null"):
        (tmp_path / "dev" / name).touch()
    assert Node.here(root=tmp_path, environ={}).signs == ("/dev/nvidia0", "/dev/nvidia1")
    node = Node.here(root=tmp_path / "elsewhere", environ={"CUDA_VISIBLE_DEVICES": "MIG-1"})
    assert node.signs == ("CUDA_VISIBLE_DEVICES=MIG-1",)


@pytest.mark.parametrize("visible", ["", "-1", "void", "NoDevFiles"])
def test_hidden_gpus_are_no_sign(tmp_path: Path, visible: str) -> None:
    node = Node.here(root=tmp_path, environ={"CUDA_VISIBLE_DEVICES": visible})
    assert node == Node(host=node.host, driver=None, gpus=(), signs=())


def test_it_needs_no_pytorch() -> None:
    program = "import alexnet_study.gpu, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_commands_name_their_build() -> None:
    for name, build in BUILDS.items():
        assert build.command == f"make setup CUDA={name}"
        assert re.sub(r"\D", "", build.cuda) == name.removeprefix("cu")


@pytest.mark.parametrize("name", ["gpus.md", "gpus.ko.md"])
def test_the_page_tells_of_each_build_its_driver_gpus_and_command(name: str) -> None:
    rows = [
        line for line in Path("docs", name).read_text().splitlines() if "`make setup" in line and line.startswith("|")
    ]
    assert len(rows) == len(BUILDS)
    for (cuda, build), row in zip(BUILDS.items(), rows, strict=True):
        _, driver, gpus, command, _ = row.split("|")
        assert driver.strip() == build.driver
        oldest, newest = (".".join(map(str, capability)) for capability in build.capabilities)
        assert re.findall(r"\d+\.\d", gpus) == [oldest, newest]
        assert (f"CUDA={cuda}" in command) == (cuda != "cu130")
