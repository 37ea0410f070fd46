"""The learning rate of every step: for each of the recipe's schedules a plain function of the step.

A shape is the share of the highest rate at `step`, of `total` steps from 0, the first `rising` being the warm-up.
"""

import math

from alexnet_study.study.configs import RecipeConfig

# Smith and Topin, arXiv:1708.07120, with the numbers of torch.optim.lr_scheduler.OneCycleLR: where a cycle begins, and
# where it ends, both as shares of its highest rate.
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = ONE_CYCLE_START / 1e4


def learning_rate(recipe: RecipeConfig, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0 over the whole run, whose epochs have `steps` steps each."""
    rising, total = round(recipe.warmup_epochs * steps), recipe.epochs * steps
    return recipe.learning_rate * SHAPES[recipe.schedule](step, rising, total)


def constant(step: int, rising: int, total: int) -> float:
    """Rise on a line, then stay."""
    return min(1.0, (step + 1) / (rising + 1))


def cosine(step: int, rising: int, total: int) -> float:
    """Rise on a line, then fall to 0 by half a cosine (Loshchilov and Hutter, ICLR 2017, equation 5, no restart)."""
    return constant(step, rising, total) if step < rising else _between(1, 0, _fallen(step, rising, total))


def triangular(step: int, rising: int, total: int) -> float:
    """Rise on a line, then fall to 0 on a line."""
    return constant(step, rising, total) if step < rising else 1 - _fallen(step, rising, total)


def one_cycle(step: int, rising: int, total: int) -> float:
    """Rise from a 25th by half a cosine up to the last step of the warm-up, then fall by another to next to nothing."""
    peak = max(rising - 1, 0)
    if step <= peak:
        return _between(ONE_CYCLE_START, 1, step / peak) if peak else 1.0
    return _between(1, ONE_CYCLE_END, (step - peak) / (total - 1 - peak))


SHAPES = {"constant": constant, "one_cycle": one_cycle, "triangular": triangular, "cosine": cosine}


def _fallen(step: int, rising: int, total: int) -> float:
    """The share of the steps after the warm-up that lie before `step`."""
    return (step - rising) / (total - rising)


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from `start`, where the share is 0, to `end`, where it is 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
