"""The optimisers: `torch.optim.SGD(fused=True)` and `torch.optim.AdamW(fused=True)`, bit for bit.

Making a `torch.optim.SGD` imports PyTorch's compiler, which takes longer than the rest of a run's start; the
step doesn't need it. Muon is in `muon.py`, the choice between them in `parameter_kinds.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from alexnet_study.study.configs import RecipeConfig

ADAMW_BETA2, ADAMW_EPS = 0.999, 1e-8  # of Loshchilov and Hutter, ICLR 2019; β₁ is the recipe's momentum


class Optimizer(ABC):
    """Updates the parameters by their gradients.

    momenta: all that it keeps from step to step, tensors on the parameters' device. decays: the weight decay of each
    parameter, the recipe's if None. The learning rate is a tensor too, which a CUDA graph reads anew at each replay: a
    number it would keep as it was at the capture.
    """

    def __init__(
        self, parameters: list[Parameter], recipe: RecipeConfig, decays: Sequence[float] | None = None
    ) -> None:
        self.parameters = parameters
        self.momenta: list[Tensor] = []
        self.recipe = recipe
        self.decays = [recipe.weight_decay] * len(parameters) if decays is None else list(decays)
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
        for decay in dict.fromkeys(self.decays):
            self._update([place for place, own in enumerate(self.decays) if own == decay], decay)

    @abstractmethod
    def _update(self, places: list[int], decay: float) -> None:
        """Update the parameters at these places, which have this weight decay."""

    def _at(self, places: list[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Return parameters and their gradients."""
        chosen = [self.parameters[place] for place in places]
        gradients = [parameter.grad for parameter in chosen]
        return list(chosen), gradients  # type: ignore[return-value]  # each has one, as `step` asks


class MomentumSGD(Optimizer):
    """v ← momentum · v + g, g = gradient + decay · w; then w ← w − learning_rate · v, from v = 0, in one kernel.

    With Nesterov's momentum w ← w − learning_rate · (g + momentum · v). momenta: v of each parameter.
    """

    def __init__(
        self, parameters: list[Parameter], recipe: RecipeConfig, decays: Sequence[float] | None = None
    ) -> None:
        super().__init__(parameters, recipe, decays)
        self.momenta = [torch.zeros_like(parameter) for parameter in parameters]

    def _update(self, places: list[int], decay: float) -> None:
        parameters, gradients = self._at(places)
        sgd(
            parameters,
            gradients,
            [self.momenta[place] for place in places],
            fused=True,
            lr=self._rate_tensor,
            momentum=self.recipe.momentum,
            weight_decay=decay,
            dampening=0,
            nesterov=self.recipe.nesterov,
            maximize=False,
        )


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019, algorithm 2), in one kernel.

    momenta: of each parameter the mean of gradients, then of each that of their squares, then of each the steps so far.
    """

    def __init__(
        self, parameters: list[Parameter], recipe: RecipeConfig, decays: Sequence[float] | None = None
    ) -> None:
        super().__init__(parameters, recipe, decays)
        means, squares = ([torch.zeros_like(parameter) for parameter in parameters] for _ in range(2))
        steps = [torch.zeros((), device=parameter.device) for parameter in parameters]
        self.momenta = [*means, *squares, *steps]

    def _update(self, places: list[int], decay: float) -> None:
        parameters, gradients = self._at(places)
        count = len(self.parameters)
        means, squares, steps = ([self.momenta[kind * count + place] for place in places] for kind in range(3))
        adamw(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            fused=True,
            lr=self._rate_tensor,
            beta1=self.recipe.momentum,
            beta2=ADAMW_BETA2,
            eps=ADAMW_EPS,
            weight_decay=decay,
            amsgrad=False,
            maximize=False,
        )
