"""The device: a GPU that was asked for and can't be used is one line that says why and what would be right."""

import dataclasses
import re
import socket
from dataclasses import dataclass, field

import pytest
import torch

from alexnet_study.errors import LostGpuError, RunError
from alexnet_study.gpu import Node
from alexnet_study.training.device import lost_gpu, usable_device

CU130 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
CU126 = ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")
NONE = Node(host="node7", driver=None, gpus=(), signs=())
H100 = Node(host="node7", driver="580.65.06", gpus=("NVIDIA H100",), signs=("/dev/nvidia0",))
OLD = dataclasses.replace(H100, driver="535.183.01")
NO_DRIVER = (
    "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from X"
)
TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by downloading "
    "and installing a new version from the URL: X"
)
NO_DEVICE = "No CUDA GPUs are available"
KERNEL = "CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel errors might be reported later"


@dataclass(frozen=True, kw_only=True)
class FakeGpu:
    """A GPU that fails as it is told."""

    model: str = "NVIDIA H100"
    has: tuple[int, int] = (9, 0)
    code_for: tuple[str, ...] = CU130
    at_start: Exception | None = None
    in_kernel: Exception | None = None
    ran: list[str] = field(default_factory=list)

    def initialise(self) -> None:
        self.ran.append("initialise")
        if self.at_start:
            raise self.at_start

    def name(self) -> str:
        return self.model

    def capability(self) -> tuple[int, int]:
        return self.has

    def architectures(self) -> list[str]:
        return list(self.code_for)

    def run_kernel(self) -> None:
        self.ran.append("kernel")
        if self.in_kernel:
            raise self.in_kernel


V100 = FakeGpu(model="Tesla V100", has=(7, 0))
FAULTS = [
    pytest.param(
        FakeGpu(at_start=RuntimeError(NO_DRIVER)),
        NONE,
        "13.0",
        ["no GPU seen", "no NVIDIA driver seen", "Found no NVIDIA driver on your system;", "--nv"],
        id="libcuda missing",
    ),
    pytest.param(
        FakeGpu(at_start=RuntimeError(NO_DRIVER)),
        H100,
        "13.0",
        ["NVIDIA H100, driver 580.65.06", "--nv, --gpus"],
        id="a container without the driver",
    ),
    pytest.param(
        FakeGpu(at_start=RuntimeError(TOO_OLD)),
        OLD,
        "13.0",
        ["NVIDIA H100, driver 535.183.01", "too old (found version 12020);", "CUDA 13.0, which needs driver 580.65.06"]
        + ["`make setup CUDA=cu126` (CUDA 12.6, driver 525.60.13 or newer), driver 580.65.06 or newer"],
        id="driver too old",
    ),
    pytest.param(
        FakeGpu(at_start=RuntimeError(TOO_OLD)),
        dataclasses.replace(H100, driver="470.256.02"),
        "12.6",
        ["CUDA 12.6, which needs driver 525.60.13", "expected driver 525.60.13 or newer, another node"],
        id="driver too old for any build",
    ),
    pytest.param(
        FakeGpu(at_start=RuntimeError(NO_DEVICE)),
        H100,
        "13.0",
        ["No CUDA GPUs are available", "(gres)"],
        id="no device",
    ),
    pytest.param(
        V100,
        H100,
        "13.0",
        ["Tesla V100", "compute capability is 7.0", "sm_75, sm_80", "`make setup CUDA=cu126`"],
        id="GPU older than the build",
    ),
    pytest.param(
        FakeGpu(model="NVIDIA B200", has=(10, 0), code_for=CU126),
        H100,
        "12.6",
        ["NVIDIA B200", "compute capability is 10.0", "`make setup CUDA=cu130`"],
        id="GPU newer than the build",
    ),
    pytest.param(
        FakeGpu(model="NVIDIA B200", has=(10, 0), code_for=CU126),
        OLD,
        "12.6",
        ["expected another node"],
        id="no build for GPU and driver",
    ),
    pytest.param(
        FakeGpu(in_kernel=RuntimeError(KERNEL)),
        H100,
        "13.0",
        ["NVIDIA H100", "CUDA error: CUDA-capable device(s) is/are busy or unavailable;", "another node"],
        id="kernel fails",
    ),
    pytest.param(
        FakeGpu(at_start=AssertionError("Torch not compiled with CUDA enabled")),
        H100,
        None,
        ["built without CUDA;", "`make setup CUDA=cu130`"],
        id="built without CUDA",
    ),
]


@pytest.mark.parametrize(("gpu", "node", "cuda", "said"), FAULTS)
def test_a_gpu_that_was_asked_for_and_fails_is_one_line(
    gpu: FakeGpu, node: Node, cuda: str | None, said: list[str]
) -> None:
    with pytest.raises(RunError) as caught:
        usable_device("cuda", gpu=gpu, node=node, cuda=cuda)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("node7: ")
    for part in said:
        assert part in line
    assert caught.value.__suppress_context__  # no traceback of another error above it


@pytest.mark.parametrize(("gpu", "node", "cuda", "said"), FAULTS)
def test_auto_takes_the_cpu_and_says_why_only_where_there_seems_to_be_a_gpu(
    gpu: FakeGpu, node: Node, cuda: str | None, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert usable_device("auto", gpu=gpu, node=node, cuda=cuda) == torch.device("cpu")
    printed = capsys.readouterr().err
    assert printed.count("\n") == (1 if node.signs else 0)
    assert all(part in printed for part in said) or not node.signs


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_a_gpu_that_works_is_taken_after_a_kernel_ran_on_it(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    gpu = FakeGpu()
    assert usable_device(asked, gpu=gpu, node=H100, cuda="13.0") == torch.device("cuda")
    assert gpu.ran == ["initialise", "kernel"]
    assert capsys.readouterr().err == ""


def test_no_kernel_is_tried_on_a_gpu_without_code() -> None:
    with pytest.raises(RunError):
        usable_device("cuda", gpu=V100, node=H100, cuda="13.0")
    assert "kernel" not in V100.ran


def test_the_cpu_asks_nothing_of_a_gpu() -> None:
    gpu = FakeGpu()
    assert usable_device("cpu", gpu=gpu, node=H100) == torch.device("cpu")
    assert gpu.ran == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU works here")
def test_pytorch_itself_without_a_gpu() -> None:
    with pytest.raises(RunError, match=rf"{re.escape(socket.gethostname())}: .*PyTorch {re.escape(torch.__version__)}"):
        usable_device("cuda")
    assert usable_device("auto") == torch.device("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU is visible")
def test_pytorch_itself_with_a_gpu() -> None:
    assert usable_device("cuda") == usable_device("auto") == torch.device("cuda")


LOST = [
    "CUDA error: unspecified launch failure\nSearch for `cudaErrorLaunchFailure' in X",
    "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be reported later",
    "CUDA error: uncorrectable ECC error encountered",
    "CUDA error: device-side assert triggered",
    "CUDA error: uncorrectable NVLink error detected during the execution",
    "CUDA error: the launch timed out and was terminated",
    "CUDA error: unknown error",
    "NVRM: Xid (PCI:0000:17:00): 79, pid=1234, GPU has fallen off the bus.",
]
HELD = [
    "CUDA error: out of memory",
    "CUDA error: invalid argument",
    "CUDA error: operation not permitted when stream is capturing",
    "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    "an illegal memory access is what this test is about",
]
ERRORS: list[type[RuntimeError]] = [RuntimeError, getattr(torch, "AcceleratorError", RuntimeError)]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("text", LOST)
def test_an_error_that_leaves_the_gpu_dead_names_the_node(text: str, kind: type[RuntimeError]) -> None:
    lost = lost_gpu(kind(text))
    assert isinstance(lost, LostGpuError)
    assert str(lost).startswith(f"GPU lost on {socket.gethostname()}: {text.splitlines()[0].rstrip('.')}")
    assert "\n" not in str(lost)


def test_a_lost_gpus_node_has_the_name_that_slurm_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURMD_NODENAME", "gpu7")
    assert str(lost_gpu(RuntimeError(LOST[0]))).startswith("GPU lost on gpu7: ")


@pytest.mark.parametrize("text", HELD)
def test_any_other_error_is_not_a_lost_gpu(text: str) -> None:
    assert lost_gpu(RuntimeError(text)) is None
    assert lost_gpu(ValueError(LOST[0])) is None
    assert lost_gpu(torch.OutOfMemoryError(f"{text} {LOST[0]}")) is None
