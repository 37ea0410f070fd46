"""Local response normalisation (Krizhevsky et al., NeurIPS 2012, section 3.3), with its own backward pass.

`F.local_response_norm` is the same, but has no deterministic backward pass on CUDA, and takes far longer on a CPU. Here
the sum over neighbouring channels is a product with a matrix of bands, and what lies between input and output is made
of a few pixels at a time, in cache, and never kept.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# k, n, α and β of the paper, after the layers that its section 3.5 names. PyTorch's own layer divides its alpha by n.
RESPONSE_NORMALISED = ("conv1", "conv2")
RESPONSE_K, RESPONSE_N, RESPONSE_ALPHA, RESPONSE_BETA = 2.0, 5, 1e-4, 0.75

CACHE_NUMBERS = 2**18  # of a part: a megabyte in fp32, so that what is made of it lies in a core's cache


def local_response(x: Tensor) -> Tensor:
    """Return x (B, C, H, W) over (k + α · the sum of x² over the n nearest channels)^β, computed in fp32."""
    response: Tensor = _LocalResponse.apply(x)
    return response


class _LocalResponse(torch.autograd.Function):
    """With s = k + α Σ x²: y = x s^−β, and of a gradient g, dx = g s^−β − 2αβ x Σ g x s^(−β−1).

    Both sums are over the same neighbours, since "at most two channels apart" holds either way.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        y = torch.empty_like(x, memory_format=torch.channels_last)
        band, k = _band(x), x.new_full((1,), RESPONSE_K, dtype=torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            for values, out in _parts(x, y):
                wide = values.float()
                scale = torch.addmm(k, wide.square(), band, alpha=RESPONSE_ALPHA)
                out.copy_(_power(scale).mul_(wide))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        dx = torch.empty_like(x, memory_format=torch.channels_last)
        band, k = _band(x), x.new_full((1,), RESPONSE_K, dtype=torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            for values, above, out in _parts(x, gradient, dx):
                wide = values.float()
                scale = torch.addmm(k, wide.square(), band, alpha=RESPONSE_ALPHA)
                direct = _power(scale).mul_(above)
                through = (direct * wide).div_(scale) @ band
                out.copy_(direct.addcmul_(through, wide, value=-2 * RESPONSE_ALPHA * RESPONSE_BETA))
        return dx


def _band(x: Tensor) -> Tensor:
    """Return (C, C), 1 where two channels are neighbours, fp32; made on x's device, as a graph wants it."""
    channels = torch.arange(x.shape[1], device=x.device)
    return ((channels[:, None] - channels).abs() <= RESPONSE_N // 2).float()


def _parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield tensors of one shape (B, C, H, W) together, in parts (pixels, C) that fit a CPU's cache; on a GPU at once.

    Of a tensor in channels-last layout, as what is written to must be, they are views; of another, copies.
    """
    shape = tensors[0].shape
    pixels = max(shape.numel() // shape[1], 1)
    rows = pixels if tensors[0].is_cuda else max(CACHE_NUMBERS // shape[1], 1)
    yield from zip(*(each.permute(0, 2, 3, 1).reshape(-1, shape[1]).split(rows) for each in tensors), strict=True)


def _power(scale: Tensor) -> Tensor:
    """Return scale^−β, by roots, which cost a fraction of a power."""
    return (scale * scale.sqrt()).rsqrt_()
