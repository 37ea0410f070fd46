"""Augmentation: what is drawn for each training image in an epoch, and what that makes of it.

All draws of an epoch come from the seed and the epoch alone, on the CPU as the order does, and reach the device before
its first step: a step, and its CUDA graph, only look up those of their images. Each kind has draws of its own, so that
variants with a kind more still share the others.
"""

import torch
from torch import Tensor

from alexnet_study.models import IMAGE_SIDE
from alexnet_study.study.configs import AugmentationConfig
from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics
from alexnet_study.training.determinism import derive_seed


class Augmentation:
    """The draws of one run's epoch, for each of its training images.

    flips (N,) bool: mirrored. shifts (N, 2) int64: rows and columns by which the cut lies off. centres (N, 2) int64:
    row and column of the cutout's centre.
    """

    def __init__(
        self,
        config: AugmentationConfig,
        *,
        seed: int,
        count: int,
        device: torch.device,
        normalisation: ChannelStatistics = CIFAR10,
    ) -> None:
        self.config, self.seed = config, seed
        self.flips = torch.zeros(count, dtype=torch.bool, device=device)
        self.shifts = torch.zeros(count, 2, dtype=torch.int64, device=device)
        self.centres = torch.zeros(count, 2, dtype=torch.int64, device=device)
        self._pixels = torch.arange(IMAGE_SIDE, device=device)
        self._colour = torch.tensor(
            [round(255 * mean) for mean in normalisation.mean], dtype=torch.uint8, device=device
        )

    def begin(self, epoch: int) -> None:
        """Draw for an epoch, counted from 0."""
        config, count = self.config, len(self.flips)
        if config.flip == "random":
            self.flips.copy_(self._draw("flip", epoch, 0, 1, (count,)))
        elif config.flip == "alternating":  # half of them at random, and then in turns
            self.flips.copy_((self._draw("flip", 0, 0, 1, (count,)) + epoch) % 2)
        if config.translate:
            self.shifts.copy_(self._draw("translate", epoch, -config.translate, config.translate, (count, 2)))
        if config.cutout:
            self.centres.copy_(self._draw("cutout", epoch, 0, IMAGE_SIDE - 1, (count, 2)))

    def apply(self, images: Tensor, indices: Tensor) -> Tensor:
        """Return uint8 images (B, 3, 32, 32), whose `indices` are (B,), mirrored, then cut, then covered."""
        if self.config.flip != "none" or self.config.translate:
            images = self._cut(images, self.flips[indices], self.shifts[indices])
        return self._covered(images, self.centres[indices]) if self.config.cutout else images

    def _cut(self, images: Tensor, flips: Tensor, shifts: Tensor) -> Tensor:
        """Gather the pixels; beyond an edge lies the image's reflection, without the edge itself."""
        places = self._pixels + shifts[:, :, None]  # (B, 2, 32)
        last = IMAGE_SIDE - 1
        rows, columns = (last - (last - places.abs()).abs()).unbind(1)
        columns = torch.where(flips[:, None], last - columns, columns)
        own = torch.arange(len(images), device=images.device)[:, None, None]
        return images[own, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)  # in channels-last layout

    def _covered(self, images: Tensor, centres: Tensor) -> Tensor:
        """Cover a square of the mean colour; what lies beyond the edges is lost (DeVries and Taylor, 2017)."""
        offsets = self._pixels - centres[:, :, None] + self.config.cutout // 2  # (B, 2, 32)
        rows, columns = ((offsets >= 0) & (offsets < self.config.cutout)).unbind(1)
        square = rows[:, None, :, None] & columns[:, None, None, :]
        return torch.where(square, self._colour[:, None, None], images)

    def _draw(self, purpose: str, epoch: int, low: int, high: int, shape: tuple[int, ...]) -> Tensor:
        """Uniform integers from low to high, both included."""
        generator = torch.Generator().manual_seed(derive_seed(purpose, self.seed, epoch))
        return torch.randint(low, high + 1, shape, generator=generator)
