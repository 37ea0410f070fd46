"""Averages of the weights along the way, which are evaluated in place of the weights.

What a step does is the same each time, as its CUDA graph asks: whether lookahead pulls reaches it in a tensor.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from alexnet_study.models import AlexNet
from alexnet_study.study.configs import RecipeConfig
from alexnet_study.training.content import put_back

LOOKAHEAD_STEPS, LOOKAHEAD_SHARE = 5, 0.5  # k and α of Zhang et al., NeurIPS 2019, "Lookahead Optimizer", section 5


class Average:
    """The exponential moving average: after each step, average ← decay · average + (1 − decay) · weight.

    averages: of each weight and each moving statistic of a normalisation, from their initial values on.
    """

    def __init__(self, model: AlexNet, recipe: RecipeConfig) -> None:
        self.tensors = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
        self.averages = [tensor.clone() for tensor in self.tensors]
        self.recipe = recipe

    def set_up(self, step: int) -> None:
        """Get ready for a step, counted from 0 over the whole run."""

    @torch.no_grad()
    def follow(self) -> None:
        """Take the weights after a step into account."""
        torch._foreach_lerp_(self.averages, self.tensors, 1 - self.recipe.average_decay)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Give the model its averages, and at the end its weights again."""
        with put_back(self.tensors):
            with torch.no_grad():
                torch._foreach_copy_(self.tensors, self.averages)
            yield


class Lookahead(Average):
    """Slow weights: every k steps they go a share α of the way to the weights, which then start again from there."""

    def __init__(self, model: AlexNet, recipe: RecipeConfig) -> None:
        super().__init__(model, recipe)
        self._share = torch.zeros((), device=self.tensors[0].device)
        self._pull = torch.zeros_like(self._share)

    def set_up(self, step: int) -> None:
        """Tell the step, counted from 0 over the whole run, whether it pulls."""
        pulls = (step + 1) % LOOKAHEAD_STEPS == 0
        self._share.fill_(LOOKAHEAD_SHARE * pulls)
        self._pull.fill_(float(pulls))

    @torch.no_grad()
    def follow(self) -> None:
        """Move the slow weights to the weights, and these back to them; neither where the step doesn't pull."""
        for slow, fast in zip(self.averages, self.tensors, strict=True):
            slow.lerp_(fast, self._share)
            fast.lerp_(slow, self._pull)


AVERAGES: dict[str, type[Average]] = {"ema": Average, "lookahead": Lookahead}


def average_for(model: AlexNet, recipe: RecipeConfig) -> Average | None:
    """Return the recipe's average, None where it has none."""
    return AVERAGES[recipe.average](model, recipe) if recipe.average in AVERAGES else None
