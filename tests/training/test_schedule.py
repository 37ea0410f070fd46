"""Each schedule against PyTorch's schedulers."""

from collections.abc import Callable

import pytest
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
)

from alexnet_study.study.configs import RecipeConfig
from alexnet_study.training.schedule import learning_rate

RATE, STEPS, EPOCHS = 0.3, 7, 5
Oracle = Callable[[Optimizer, int], LRScheduler]


def warmed_up(then: Callable[[Optimizer, int], LRScheduler]) -> Oracle:
    """A linear rise, and then another scheduler over what is left."""

    def scheduler(optimizer: Optimizer, rising: int) -> LRScheduler:
        falling = then(optimizer, STEPS * EPOCHS - rising)
        if not rising:
            return falling
        rise = LinearLR(optimizer, start_factor=1 / (rising + 1), total_iters=rising)
        return SequentialLR(optimizer, [rise, falling], milestones=[rising])

    return scheduler


ORACLES: dict[str, Oracle] = {
    "constant": warmed_up(lambda optimizer, left: ConstantLR(optimizer, factor=1.0)),
    "cosine": warmed_up(lambda optimizer, left: CosineAnnealingLR(optimizer, T_max=left)),
    "triangular": warmed_up(lambda optimizer, left: PolynomialLR(optimizer, total_iters=left, power=1)),
    "one_cycle": lambda optimizer, rising: OneCycleLR(
        optimizer, max_lr=RATE, total_steps=STEPS * EPOCHS, pct_start=rising / (STEPS * EPOCHS), cycle_momentum=False
    ),
}


def rates(scheduler: Oracle, rising: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    own = scheduler(optimizer, rising)
    found = []
    for _ in range(STEPS * EPOCHS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        own.step()
    return found


@pytest.mark.filterwarnings("ignore:.*epoch parameter:UserWarning")
@pytest.mark.parametrize("warmup", [0, 1.5, 2])
@pytest.mark.parametrize("schedule", ORACLES)
def test_the_schedules_are_pytorchs(schedule: str, warmup: float) -> None:
    if schedule in ("one_cycle", "triangular") and not warmup:
        return  # refused, as the test of study files shows
    recipe = RecipeConfig(learning_rate=RATE, schedule=schedule, warmup_epochs=warmup, epochs=EPOCHS)
    found = [learning_rate(recipe, step, STEPS) for step in range(STEPS * EPOCHS)]
    assert found == pytest.approx(rates(ORACLES[schedule], round(warmup * STEPS)), rel=1e-9, abs=1e-12)
    assert max(found) == pytest.approx(RATE)


def test_the_published_recipes_rate_is_exactly_the_same_at_every_step() -> None:
    assert {learning_rate(RecipeConfig(), step, 196) for step in range(980)} == {0.01}


@pytest.mark.parametrize("schedule", ORACLES)
def test_a_run_of_one_step_has_a_rate(schedule: str) -> None:
    recipe = RecipeConfig(epochs=1, schedule=schedule, warmup_epochs=0.1)
    assert 0 < learning_rate(recipe, 0, 1) <= recipe.learning_rate
