"""The device that a run computes on: asked for, tried before anything is trained, and seen to be lost.

A GPU that was asked for and can't be used is an error of one line, never a silent day on the CPU.
"""

import os
import re
import socket
import sys
import warnings
from typing import Protocol

import torch

from alexnet_study.errors import LostGpuError, RunError
from alexnet_study.gpu import BUILDS, Build, Capability, Node, build_of, runs_on

# What CUDA says of errors after which "the process must be terminated and relaunched", in the words of
# cudaGetErrorString (CUDA Runtime API, "Data types used by CUDA Runtime", cudaError_t), and the driver's own word.
STICKY = re.compile(
    "unspecified launch failure|illegal memory access|misaligned address|illegal instruction|invalid program counter"
    "|operation not supported on global/shared address space|hardware stack error|device-side assert"
    "|uncorrectable (?:ECC|NVLink) error|the launch timed out and was terminated"
    "|unknown error|GPU is lost|fallen off the bus|\\bXid\\b"
)
FROM_CUDA = re.compile(r"CUDA error|CUDA driver error|\bXid\b|device-side assert")
NO_DRIVER = "Found no NVIDIA driver"  # PyTorch's words where libcuda is missing or finds no driver
ELEMENTS = 64


class Gpu(Protocol):
    """What is asked of a GPU before it is used."""

    def initialise(self) -> None:
        """Initialise CUDA; raise PyTorch's error where that fails."""

    def name(self) -> str:
        """Return the device's name."""

    def capability(self) -> Capability:
        """Return the device's compute capability."""

    def architectures(self) -> list[str]:
        """Return what this build of PyTorch has code for, as "sm_90"."""

    def run_kernel(self) -> None:
        """Run one small kernel and wait for it; raise PyTorch's error where that fails."""


class TorchGpu:
    """The GPU that PyTorch uses by itself."""

    def initialise(self) -> None:
        """Initialise CUDA; raise PyTorch's error where that fails."""
        with warnings.catch_warnings():  # of a GPU that the build has no code for, in many lines: ours is one
            warnings.simplefilter("ignore")
            torch.cuda.init()

    def name(self) -> str:
        """Return the device's name."""
        return torch.cuda.get_device_name()

    def capability(self) -> Capability:
        """Return the device's compute capability."""
        return torch.cuda.get_device_capability()

    def architectures(self) -> list[str]:
        """Return what this build of PyTorch has code for."""
        return torch.cuda.get_arch_list()

    def run_kernel(self) -> None:
        """Run one small kernel and wait for it."""
        torch.ones(ELEMENTS, device="cuda").add_(1)
        torch.cuda.synchronize()


def usable_device(
    asked: str, *, gpu: Gpu | None = None, node: Node | None = None, cuda: str | None = torch.version.cuda
) -> torch.device:
    """Return the device for `asked`, one of DEVICES.

    cuda: RunError, one line, where no GPU can be used: node, GPU, driver, what this build of PyTorch needs, and the
    remedy. auto: a GPU where one works, else the CPU, with a line on standard error that says why where there seems to
    be a GPU. The keyword arguments stand for this process's GPU, its node and the CUDA of its PyTorch.
    """
    if asked == "cpu":
        return torch.device("cpu")
    try:
        try_gpu(gpu, node=node, cuda=cuda)
    except RunError as error:
        if asked == "cuda":
            raise RunError(f"{error}, or --device cpu") from None
        if (node or Node.here()).signs:
            print(f"note: on the CPU, since the GPU can't be used: {error}", file=sys.stderr)
        return torch.device("cpu")
    return torch.device("cuda")


def lost_gpu(error: BaseException) -> LostGpuError | None:
    """Return what to raise where `error` says that the GPU answers no more; None for any other error.

    Running out of memory is another error: memory can be freed.
    """
    text = str(error)
    if not isinstance(error, RuntimeError) or isinstance(error, torch.OutOfMemoryError):
        return None
    if not FROM_CUDA.search(text) or not STICKY.search(text):
        return None
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()  # by the name that --exclude takes
    return LostGpuError(f"GPU lost on {node}: {_first_sentence(text)}")


def try_gpu(gpu: Gpu | None = None, *, node: Node | None = None, cuda: str | None = torch.version.cuda) -> None:
    """Use the GPU once; raise RunError, one line with the exact reason, where that fails. As for `usable_device`."""
    gpu = gpu or TorchGpu()
    name, capability = None, None
    try:
        gpu.initialise()
        name, capability, architectures = gpu.name(), gpu.capability(), gpu.architectures()
        if runs_on(capability, architectures):
            gpu.run_kernel()
            return
        reason = f"its compute capability is {_dotted(capability)}, and this PyTorch has code for "
        reason += ", ".join(architectures) or "none"
    except (RuntimeError, AssertionError, torch.cuda.DeferredCudaCallError) as error:
        reason, capability = _first_sentence(str(error)), None
    raise _refusal(node or Node.here(), cuda, reason, name=name, alien=capability) from None


def _refusal(node: Node, cuda: str | None, reason: str, *, name: str | None, alien: Capability | None) -> RunError:
    """Return the error; alien: the compute capability of a GPU that this build has no code for."""
    gpu = name or ", ".join(dict.fromkeys(node.gpus)) or "no GPU seen"
    driver = f"driver {node.driver}" if node.driver else "no NVIDIA driver seen"
    needs = f"PyTorch {torch.__version__} is built " + (f"for CUDA {cuda}" if cuda else "without CUDA")
    here = build_of(cuda)
    if here is not None:
        needs += f", which needs driver {here.driver} or newer"
    ways = ", ".join([*_ways(node, here, reason, alien), "another node"])
    return RunError(f"{node.host}: {gpu}, {driver}: {reason}; {needs}; expected {ways}")


def _ways(node: Node, here: Build | None, reason: str, alien: Capability | None) -> list[str]:
    """Say what would make a GPU of this node usable."""
    old = here is not None and node.driver is not None and not here.runs_with(node.driver)
    if here is not None and not old and alien is None:
        if NO_DRIVER in reason:
            return ["NVIDIA's driver, which a container must be handed (--nv, --gpus, NVIDIA_VISIBLE_DEVICES)"]
        return ["a GPU that is visible to this job (gres) and works"]
    serving = [build for build in BUILDS.values() if build != here and _serves(build, node, alien)]
    ways = [f"`{build.command}` (CUDA {build.cuda}, driver {build.driver} or newer)" for build in serving]
    return ways + ([f"driver {here.driver} or newer"] if here is not None and old else [])


def _serves(build: Build, node: Node, alien: Capability | None) -> bool:
    driver_will_do = node.driver is None or build.runs_with(node.driver)
    return driver_will_do and (alien is None or build.has_code_for(alien))


def _dotted(capability: Capability) -> str:
    return ".".join(map(str, capability))


def _first_sentence(text: str) -> str:
    """Return an error's own words: what follows in PyTorch's messages is advice on debugging."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    return re.split(r"(?<=[a-z)])\. (?=[A-Z])", line)[0].rstrip(".")
