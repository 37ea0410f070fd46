"""Stochastic gradient descent with momentum, as `torch.optim.SGD(fused=True)` does it, bit for bit.

Making a `torch.optim.SGD` imports PyTorch's compiler, which takes longer than the rest of a run's start; the
step doesn't need it.
"""

import torch
from torch.nn import Parameter
from torch.optim.sgd import sgd

from alexnet_study.study.configs import RecipeConfig


class MomentumSGD:
    """v ← momentum · v + g, g = gradient + weight_decay · w; then w ← w − learning_rate · v, from v = 0, in one kernel.

    With Nesterov's momentum w ← w − learning_rate · (g + momentum · v).

    momenta: v of each parameter, of its shape, dtype and device. The learning rate is a tensor beside them, which a
    CUDA graph reads anew at each replay: a number it would keep as it was at the capture.
    """

    def __init__(self, parameters: list[Parameter], recipe: RecipeConfig) -> None:
        self.parameters = parameters
        self.momenta = [torch.zeros_like(parameter) for parameter in parameters]
        self.recipe = recipe
        device = parameters[0].device
        dtype = torch.float32 if device.type == "cuda" else torch.float64  # as the kernels of either read it
        self._rate = recipe.learning_rate
        self._rate_tensor = torch.tensor(self._rate, dtype=dtype, device=device)

    def set_learning_rate(self, rate: float) -> None:
        """Use this learning rate from the next step on."""
        if rate != self._rate:
            self._rate = rate
            self._rate_tensor.fill_(rate)

    def clear_gradients(self) -> None:
        """Drop the gradients, so that the next backward pass makes them instead of adding to them."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter; each must have a gradient."""
        gradients = [parameter.grad for parameter in self.parameters]
        sgd(
            list(self.parameters),
            gradients,  # type: ignore[arg-type]
            self.momenta,  # type: ignore[arg-type]
            fused=True,
            lr=self._rate_tensor,
            momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            dampening=0,
            nesterov=self.recipe.nesterov,
            maximize=False,
        )
