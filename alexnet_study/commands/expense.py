"""What runs are expected to take: time as finished ones took, disk as these fill or as their arrays' shapes say."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import KEPT_FEATURES, STAGE_SIDE
from alexnet_study.study.configs import RunConfig

SMALL_FILES = 200_000  # bytes of what is text in a run's folder


@dataclass(frozen=True, kw_only=True)
class Expense:
    """The median seconds and bytes of a finished run, by variant; the devices that they ran on; their number n."""

    seconds: dict[str, float]
    bytes: dict[str, float]
    devices: tuple[str, ...]
    n: int


def expense_of(finished: Sequence[RunFolder]) -> Expense:
    """Return what finished runs took; a run whose provenance is damaged counts for nothing."""
    seconds: dict[str, list[float]] = {}
    sizes: dict[str, list[float]] = {}
    devices: set[str] = set()
    for folder in finished:
        try:
            provenance = folder.read_provenance()
        except DamagedRunError:
            continue
        variant = folder.path.parent.name
        devices.add(provenance.device)
        seconds.setdefault(variant, []).append(provenance.device_seconds)
        sizes.setdefault(variant, []).append(sum(path.stat().st_size for path in folder.path.iterdir()))
    return Expense(
        seconds={variant: statistics.median(own) for variant, own in seconds.items()},
        bytes={variant: statistics.median(own) for variant, own in sizes.items()},
        devices=tuple(sorted(devices)),
        n=sum(map(len, seconds.values())),
    )


def disk_bytes(run: RunConfig, data: Dataset) -> float:
    """Return about what a finished run fills: logits, scores and features of each evaluation, weights, and text."""
    import torch

    from alexnet_study.models import AlexNet

    with torch.device("meta"):
        weights = sum(weight.numel() for weight in AlexNet(run.model, len(data.classes)).parameters())
    images, evaluations = len(data.test), 2 if run.model.skips else 1
    features = STAGE_SIDE**2 * run.model.widths[-1]
    kept = 4 * len(data.classes) * images + 16 * images + 2 * features * min(KEPT_FEATURES, images)
    return evaluations * kept + 8 * images + 4 * weights + SMALL_FILES
