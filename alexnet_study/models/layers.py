"""The layers that PyTorch lacks or has slower, and the tables from a configuration's words to what computes."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "silu": F.silu,
}
ACTIVATION_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


class Dropout(nn.Module):
    """Dropout whose masks cost a tenth of `nn.Dropout`'s on a CPU: 16 random bits an element, so p is exact to 2⁻¹⁶.

    Masks come from `generator`, or from PyTorch's own where it is None; whoever trains sets and seeds it.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.generator: torch.Generator | None = None
        self.threshold = min(round(p * 2**16), 2**16 - 1)  # of 2¹⁶ equally likely draws, those below are dropped

    def forward(self, x: Tensor) -> Tensor:
        """Return x, in training with elements dropped with probability p and the others scaled by 1 / (1 − p)."""
        return x * self._mask(x) if self.training and self.threshold else x

    def _mask(self, x: Tensor) -> Tensor:
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=self.generator)
        draws = words.view(torch.int16)[: x.numel()].view(x.shape)  # uniform over −2¹⁵ … 2¹⁵ − 1
        kept = draws >= self.threshold - 2**15
        return kept.to(x.dtype).mul_(2**16 / (2**16 - self.threshold))


class GlobalPool(nn.Module):
    """The mean, or the largest, of each channel over its places: features (B, channels · places) to (B, channels)."""

    def __init__(self, channels: int, kind: str) -> None:
        super().__init__()
        self.channels, self.largest = channels, kind == "max_pooled"

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels)."""
        places = features.unflatten(1, (self.channels, -1))
        return places.amax(2) if self.largest else places.mean(2)


class Scale(nn.Module):
    """A fixed factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Return x times the factor."""
        return x * self.factor


def max_pool(x: Tensor, kind: str) -> Tensor:
    """Return x (B, C, H, W), H and W even, max-pooled to half its sides.

    plain: over 2×2 squares. overlapping: over 3×3 squares two pixels apart (Krizhevsky et al., 2012, section 3.4), the
    first of them centred on the first pixel.
    """
    return F.max_pool2d(x, 2) if kind == "plain" else F.max_pool2d(x, 3, stride=2, padding=1)


def normalisations(kind: str, widths: dict[str, int], groups: int) -> nn.ModuleDict:
    """Return a layer for each convolution's output where a normalisation has parameters; `widths` are its channels."""
    if kind == "batch":
        return nn.ModuleDict({name: nn.BatchNorm2d(width) for name, width in widths.items()})
    if kind == "group":
        return nn.ModuleDict({name: nn.GroupNorm(groups, width) for name, width in widths.items()})
    return nn.ModuleDict()
