"""What can be told of a node's GPUs without PyTorch: the choice of a device, the driver, and what a build needs."""

import ctypes
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEVICES = ("auto", "cuda", "cpu")  # auto: a GPU where one works
HIDDEN = ("", "-1", "void", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES that leave none
ANSWER_SECONDS = 10.0  # nvidia-smi hangs where a GPU has died

Capability = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build of PyTorch that the project installs.

    cuda: its CUDA. driver: the oldest that runs it. capabilities: the oldest and newest generation of GPU, as compute
    capabilities, that it has code for. command: what installs it.
    """

    cuda: str
    driver: str
    capabilities: tuple[Capability, Capability]
    command: str

    def runs_with(self, driver: str) -> bool:
        """Return whether the driver of this version is new enough."""
        return _numbers(driver) >= _numbers(self.driver)

    def has_code_for(self, capability: Capability) -> bool:
        """Return whether a GPU of this compute capability is among those served."""
        oldest, newest = self.capabilities
        return oldest <= capability and capability[0] <= newest[0]


# Drivers: any CUDA 12.x runs from 525.60.13 on and any CUDA 13.x from 580.65.06 on, by compatibility within a major
# version (NVIDIA, "CUDA Compatibility", section "Minor Version Compatibility"; "CUDA Toolkit Release Notes", table
# "Minimum Required Driver Version for CUDA Minor Version Compatibility"). GPUs: PyTorch's RELEASE.md, "PyTorch CUDA
# Support Matrix" for 2.14, x86-64; those of cu130 are what torch.cuda.get_arch_list() of the pinned wheel says.
BUILDS = {
    "cu130": Build(cuda="13.0", driver="580.65.06", capabilities=((7, 5), (12, 0)), command="make setup CUDA=cu130"),
    "cu126": Build(cuda="12.6", driver="525.60.13", capabilities=((5, 0), (9, 0)), command="make setup CUDA=cu126"),
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """This node, as far as its files tell. driver: its version, None where none is loaded. gpus: their names.

    signs: what suggests that there is a GPU, whether it works or not.
    """

    host: str
    driver: str | None
    gpus: tuple[str, ...]
    signs: tuple[str, ...]

    @classmethod
    def here(cls, *, root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> "Node":
        """Look at the node that this process runs on."""
        folder = root / "proc/driver/nvidia"
        driver, gpus = _driver_in(folder / "version"), _models_in(folder / "gpus")
        if driver is None:
            driver, gpus = _from_nvidia_smi()
        return cls(host=socket.gethostname(), driver=driver, gpus=gpus, signs=_signs(root, environ))


def build_of(cuda: str | None) -> Build | None:
    """Return the build whose CUDA has the same major version as `cuda`, as "13.0"; None where there is none."""
    major = (cuda or "").partition(".")[0]
    return next((build for build in BUILDS.values() if build.cuda.partition(".")[0] == major), None)


def runs_on(capability: Capability, architectures: list[str]) -> bool:
    """Return whether code for `architectures`, as "sm_75" or "compute_120", runs on a GPU of `capability`.

    Machine code (sm) runs on its own generation and on later ones of the same major version; PTX (compute) is compiled
    for any later one. Code for one generation's own features ("sm_90a") runs on that alone. CUDA C++ Programming Guide,
    "Binary Compatibility" and "PTX Compatibility".
    """
    return any(_covers(architecture, capability) for architecture in architectures)


def _covers(architecture: str, capability: Capability) -> bool:
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)(a|f)?", architecture)
    if found is None:
        return False
    kind, own, only = found[1], (int(found[2]), int(found[3])), found[4]
    if only == "a":
        return capability == own
    return own <= capability and (capability[0] == own[0] or (kind == "compute" and only is None))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _driver_in(path: Path) -> str | None:
    try:
        found = re.search(r"Kernel Module\b.*?\s(\d+\.\d[\d.]*)\s", path.read_text())
    except OSError:
        return None
    return found[1] if found else None


def _models_in(folder: Path) -> tuple[str, ...]:
    try:
        texts = [path.read_text() for path in sorted(folder.glob("*/information"))]
    except OSError:
        return ()
    found = [re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE) for text in texts]
    return tuple(match[1] for match in found if match)


def _from_nvidia_smi() -> tuple[str | None, tuple[str, ...]]:
    words = ["nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None, ()
    found = [re.fullmatch(r"(\d+\.\d[\d.]*), (.+)", line.strip()) for line in done.stdout.splitlines()]
    rows = [match for match in found if match]
    return (rows[0][1] if rows else None), tuple(row[2] for row in rows)


def _signs(root: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    signs = [f"/{path.relative_to(root)}" for path in sorted(root.glob("dev/nvidia[0-9]*"))]
    visible = environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible not in HIDDEN:
        signs.append(f"CUDA_VISIBLE_DEVICES={visible}")
    if _has_libcuda():
        signs.append("libcuda.so.1")
    return tuple(signs)


def _has_libcuda() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
