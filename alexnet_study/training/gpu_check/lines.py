"""The checks carried out, a line each as soon as it is known."""

import time
from collections.abc import Callable, Iterable

import torch

from alexnet_study.gpu import Node, build_of
from alexnet_study.training.device import lost_gpu
from alexnet_study.training.gpu_check.checks import Check
from alexnet_study.training.side_by_side import first_error, first_line

REPORT = "python -m torch.utils.collect_env"


def describe(node: Node) -> list[str]:
    """Return a line each for the GPU, its driver and the build of PyTorch."""
    major, minor = torch.cuda.get_device_capability()
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    build = build_of(torch.version.cuda)
    needs = f", needs driver {build.driver} or newer" if build else ""
    return [
        f"GPU: {torch.cuda.get_device_name()}, compute capability {major}.{minor}, {memory:.0f} GiB, on {node.host}",
        f"driver: {node.driver or 'not told by this node'}",
        f"build: PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}{needs}",
    ]


def carry_out(checks: Iterable[Check], say: Callable[[str], None]) -> int:
    """Carry the checks out, each whatever became of the others; return 1 where one failed, with what to report, else 0.

    A GPU that answers no more ends them.
    """
    failed, started = 0, time.perf_counter()
    for name, check in checks:
        try:
            say(f"ok    {name}: {check()}")
        except Exception as error:  # whatever goes wrong is what a check is there to tell
            failed += 1
            say(f"FAIL  {name}: {first_line(error)}")
            lost = lost_gpu(first_error(error))
            if lost is not None:
                say(f"FAIL  {lost}; what is left was not tried")
                break
    took = f"{time.perf_counter() - started:.0f} s"
    if failed:
        say(f"{failed} failed, in {took}: please report all of these lines, with what `{REPORT}` prints")
        return 1
    say(f"all as it should be, in {took}")
    return 0
