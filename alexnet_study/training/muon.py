"""Muon: steps in the direction of the nearest half-orthogonal matrix (Jordan et al., 2024), as `torch.optim.Muon`.

That class takes matrices alone, and its learning rate is a number, which a CUDA graph would keep. Here a convolution's
weights are a matrix with a row for each output channel.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from alexnet_study.study.configs import RecipeConfig
from alexnet_study.training.optimizer import AdamW, Optimizer

A, B, C = 3.4445, -4.7750, 2.0315  # of the polynomial a x + b x³ + c x⁵, from Jordan et al.
ITERATIONS = 5
LEAST_NORM = 1e-7
RMS = 0.2  # of an update's elements, about that of AdamW's (Liu et al., arXiv:2502.16982, equation 4)


class Muon(Optimizer):
    """m ← momentum · m + (1 − momentum) · gradient; w ← (1 − rate · decay) · w − rate · scale · orthogonal(m).

    With Nesterov's momentum it is the gradient, moved to m by the momentum's share, that is made orthogonal. Parameters
    that are no `matrices` are AdamW's, for which the same learning rate does, as scale is 0.2 · √(longer side).
    """

    def __init__(
        self,
        parameters: list[Parameter],
        recipe: RecipeConfig,
        decays: Sequence[float] | None = None,
        *,
        matrices: Sequence[bool],
    ) -> None:
        super().__init__(parameters, recipe, decays)
        self.matrices = list(matrices)
        others = [place for place, matrix in enumerate(matrices) if not matrix]
        other_decays = [self.decays[place] for place in others]
        self.others = AdamW([parameters[place] for place in others], recipe, other_decays)
        self._buffers = {p: torch.zeros_like(parameters[p]) for p, matrix in enumerate(matrices) if matrix}
        self.momenta = [*self._buffers.values(), *self.others.momenta]

    def set_learning_rate(self, rate: float) -> None:
        """Use this learning rate from the next step on."""
        super().set_learning_rate(rate)
        self.others.set_learning_rate(rate)

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter; each must have a gradient."""
        super().step()
        self.others.step()

    def _update(self, places: list[int], decay: float) -> None:
        momentum = self.recipe.momentum
        for place in places:
            if not self.matrices[place]:
                continue
            parameter, buffer = self.parameters[place], self._buffers[place]
            assert parameter.grad is not None
            buffer.lerp_(parameter.grad, 1 - momentum)
            direction = parameter.grad.lerp(buffer, momentum) if self.recipe.nesterov else buffer
            rows = as_matrix(direction)
            update = _shaped(orthogonal(rows), parameter)
            parameter.mul_(1 - self._rate_tensor * decay)
            parameter.sub_(update * (self._rate_tensor * (RMS * math.sqrt(max(rows.shape)))))


def as_matrix(weights: Tensor) -> Tensor:
    """Return weights (O, I) as they are, and those of a convolution, (O, I, H, W), as (O, H · W · I)."""
    return weights if weights.dim() == 2 else weights.permute(0, 2, 3, 1).flatten(1)


def _shaped(matrix: Tensor, weights: Tensor) -> Tensor:
    """The inverse of `as_matrix`, in fp32."""
    matrix = matrix.float()
    if weights.dim() == 2:
        return matrix
    outputs, inputs, height, width = weights.shape
    return matrix.view(outputs, height, width, inputs).permute(0, 3, 1, 2)


def orthogonal(matrix: Tensor) -> Tensor:
    """Return, in bf16, about U Vᵀ of the matrix U S Vᵀ: singular values from 0.7 to 1.2, by Newton and Schulz."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16()
    x = x.T if tall else x
    x = x / x.norm().clamp(min=LEAST_NORM)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x.T if tall else x
