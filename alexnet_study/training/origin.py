"""What determines a run's bits beside its configuration: the model of the device, and versions."""

import platform
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from alexnet_study.errors import RequestError
from alexnet_study.runs.records import Origin


def origin_of(device: torch.device, threads: int) -> Origin:
    """Return the device's model and the versions of the libraries that compute on it, here and now."""
    cuda = device.type == "cuda"
    return Origin(
        device=torch.cuda.get_device_name(device) if cuda else f"{_cpu_model()}, {threads} threads",
        torch=str(torch.__version__),
        cuda=torch.version.cuda if cuda else None,
        cudnn=torch.backends.cudnn.version() if cuda else None,
        numpy=np.__version__,
    )


def refuse_other_origin(origins: Sequence[Origin], here: Origin, *, allowed: bool) -> None:
    """Raise RequestError if a checkpoint that came about at `origins` would go on to other bits here."""
    for origin in origins:
        pairs = [(own.name, getattr(origin, own.name), getattr(here, own.name)) for own in fields(Origin)]
        different = [f"{name} {there}, here {now}" for name, there, now in pairs if there != now]
        if different and not allowed:
            raise RequestError(
                f"the run's checkpoint was made with {'; '.join(different)}: going on would not give the same bits; "
                "go on there, allow it with --allow-inexact-resume, or remove the run's folder"
            )


def starts_over_on_gpu(origins: Sequence[Origin], here: Origin, *, asked: str) -> str | None:
    """Return a line that says why a checkpoint is to be dropped, where a GPU was asked for and a CPU made it.

    A run that a CPU began by mistake would block the GPU for ever, since it can't go on there to the same bits. It
    starts anew, so that all its bits are the GPU's. None where the checkpoint stays: nobody asked for a
    GPU by name, a GPU had a part in it, or there is none.
    """
    if asked != "cuda" or here.cuda is None or not origins or any(origin.cuda for origin in origins):
        return None
    return f"its checkpoint was made on {origins[-1].device}, here is {here.device}: starting anew"


def _cpu_model() -> str:
    """As "CPU AMD EPYC 7763 (AVX2)": the kernels that PyTorch chooses follow from both."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    model = found[1].strip() if found else platform.processor() or platform.machine()
    return f"CPU {model} ({torch.backends.cpu.get_cpu_capability()})"
