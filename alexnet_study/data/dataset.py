"""A data set as tensors, its normalisation, and a choice of samples even over its classes."""

import dataclasses
import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from alexnet_study.errors import RequestError
from alexnet_study.runs.records import DataSource
from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics

LIKE_CIFAR10 = ("cifar10", "digits")  # kinds of sources whose images are normalised by CIFAR-10's statistics


@dataclass(frozen=True, kw_only=True)
class Split:
    """images uint8 (N, 3, 32, 32); labels int64 (N,), indices into the data set's classes."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Both splits, the class names in label order, the SHA-256 of all of it, and where it came from.

    statistics: of the training images.
    """

    train: Split
    test: Split
    classes: tuple[str, ...]
    content_hash: str
    source: DataSource
    statistics: ChannelStatistics

    @property
    def normalisation(self) -> ChannelStatistics:
        """Return the statistics by which the images are normalised where a study gives none."""
        return CIFAR10 if self.source.kind in LIKE_CIFAR10 else self.statistics

    def to(self, device: torch.device) -> "Dataset":
        """Return the same data on another device."""
        splits = {n: Split(images=s.images.to(device), labels=s.labels.to(device)) for n, s in self.splits().items()}
        return dataclasses.replace(self, train=splits["train"], test=splits["test"])

    def splits(self) -> dict[str, Split]:
        """Return both splits by name."""
        return {"train": self.train, "test": self.test}


def normalise(images: Tensor, dtype: torch.dtype = torch.float32, *, statistics: ChannelStatistics = CIFAR10) -> Tensor:
    """Return uint8 images (B, 3, 32, 32), channels-last, in [0, 1] less the channels' means, over their deviations."""
    scale, shift = _scale_and_shift(images.device, statistics)
    pixels = images.to(torch.float32, memory_format=torch.channels_last)
    return pixels.mul_(scale).sub_(shift).to(dtype)


@functools.cache
def _scale_and_shift(device: torch.device, statistics: ChannelStatistics) -> tuple[Tensor, Tensor]:
    """1 / (255 std) and mean / std, (3, 1, 1); kept, since a CUDA graph must not copy from the host."""
    mean = torch.tensor(statistics.mean, device=device).view(3, 1, 1)
    std = torch.tensor(statistics.std, device=device).view(3, 1, 1)
    return 1 / (255 * std), mean / std


def evenly_over_classes(labels: Tensor, count: int) -> Tensor:
    """Return ascending indices of `count` samples (all, if there are fewer): of each class the first, equally many."""
    rank = torch.zeros_like(labels)
    for label in labels.unique():
        members = labels == label
        rank[members] = torch.arange(int(members.sum()), device=labels.device)
    order = torch.argsort(rank * (int(labels.max()) + 1) + labels)
    return order[:count].sort().values


def hold_out(data: Dataset, count: int) -> Dataset:
    """Return the data with `count` training images, of each class the first, moved to the place of the test images.

    The data themselves if the count is 0. Raise RequestError if it leaves no image of a class for training.
    """
    if not count:
        return data
    train = data.train
    held = evenly_over_classes(train.labels, count)
    kept = torch.ones(len(train), dtype=torch.bool, device=train.labels.device)
    kept[held] = False
    if len(train.labels[kept].unique()) < len(train.labels.unique()):
        raise RequestError(f"holdout: {count} of {len(train)} training images leave none of some class; expected fewer")
    parts = [Split(images=train.images[chosen], labels=train.labels[chosen]) for chosen in (kept, held)]
    return dataclasses.replace(data, train=parts[0], test=parts[1])
