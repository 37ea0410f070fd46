"""What determines a run's bits beside its configuration: the model of the device, and versions."""

import platform
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alexnet_study.errors import RequestError


def origin_of(device: torch.device, threads: int) -> dict[str, Any]:
    """The device's model and the versions of the libraries that compute on it, here and now."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else f"{_cpu_model()}, {threads} threads",
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda if cuda else None,
        "cudnn": torch.backends.cudnn.version() if cuda else None,
        "numpy": np.__version__,
    }


def refuse_other_origin(origins: list[dict[str, Any]], here: dict[str, Any], *, allowed: bool) -> None:
    """RequestError where a checkpoint that came about at `origins` would go on to other bits here."""
    for origin in origins:
        different = [f"{name} {origin.get(name)}, here {here[name]}" for name in here if origin.get(name) != here[name]]
        if different and not allowed:
            raise RequestError(
                f"the run's checkpoint was made with {'; '.join(different)}: going on would not give the same bits; "
                "go on there, allow it with --allow-inexact-resume, or remove the run's folder"
            )


def _cpu_model() -> str:
    """As "CPU AMD EPYC 7763 (AVX2)": the kernels that PyTorch chooses follow from both."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    model = found[1].strip() if found else platform.processor() or platform.machine()
    return f"CPU {model} ({torch.backends.cpu.get_cpu_capability()})"
