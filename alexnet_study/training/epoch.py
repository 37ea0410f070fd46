"""The steps of an epoch, in the order that the seed gives, and when they are interrupted to save."""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from alexnet_study.data.dataset import Split
from alexnet_study.training.determinism import derive_seed
from alexnet_study.training.schedule import learning_rate
from alexnet_study.training.state import TrainingState

CHECKPOINT_SECONDS = 30.0  # a process that is killed loses no more than what it did in this time
LEAST_SECONDS = 0.1  # between checkpoints, however small they are
SAVING_SHARE = 0.05  # of the time of training, on saving
WRITE_SPEED = 200e6  # bytes of a checkpoint that are hashed and written in a second, to begin with


class Steps:
    """The steps of runs that train side by side: alike in all but the seed, and at the same step of the same epoch.

    Here they are taken one after another; `graphs.py` takes them at once.

    kind: how, as a run's provenance says.
    """

    kind = "eager"

    def __init__(self, states: list[TrainingState], data: Split, batch_size: int) -> None:
        self.states, self.data, self.batch_size = states, data, batch_size
        self.orders: list[Tensor] = []
        for state in states:
            state.prepare(len(data))

    def __len__(self) -> int:
        """Steps of a whole epoch; the last may take fewer images."""
        return math.ceil(len(self.data) / self.batch_size)

    def begin(self) -> None:
        """Get ready for the rest of the states' epoch."""
        device = self.data.labels.device
        for state in self.states:
            state.begin_epoch()
        self.orders = [epoch_order(state.seed, state.epoch, len(self.data)).to(device) for state in self.states]

    def set_up(self, step: int) -> None:
        """Give every state what is its own at step `step` of the epoch."""
        for state in self.states:
            state.draw(step)
            overall = state.epoch * len(self) + step
            state.optimizer.set_learning_rate(learning_rate(state.recipe, overall, len(self)))
            if state.average is not None:
                state.average.set_up(overall)

    def take(self, step: int) -> None:
        """Take step `step`, counted from 0, of every state."""
        self.set_up(step)
        for state, order in zip(self.states, self.orders, strict=True):
            state.take_step(self.data, order[step * self.batch_size : (step + 1) * self.batch_size])

    def wait(self) -> None:
        """Wait until all that was asked for is done."""


class CheckpointTimer:
    """Tells when to save again: so seldom that saving takes a twentieth of the time, but at least every 30 s.

    size: bytes of all that is saved at once, from which the time of the first save is estimated.
    """

    def __init__(self, size: int) -> None:
        self._cost = size / WRITE_SPEED
        self._saved = time.perf_counter()

    def is_due(self) -> bool:
        """Tell whether it is time to save."""
        interval = min(CHECKPOINT_SECONDS, max(LEAST_SECONDS, self._cost / SAVING_SHARE))
        return time.perf_counter() - self._saved >= interval

    def save(self, work: Callable[[], None]) -> None:
        """Save by `work`, and count from now on."""
        started = time.perf_counter()
        work()
        self._saved = time.perf_counter()
        self._cost = self._saved - started


def train_epoch(
    steps: Steps, *, checkpoint: Callable[[], None], due: Callable[[], bool], advance: Callable[[int], None]
) -> None:
    """Take the rest of the epoch's steps; call `advance(1)` after each, and `checkpoint` after one where it is `due`.

    Adds to each state's `seconds` its share of the time.
    """
    states = steps.states
    for state in states:
        state.model.train()
    steps.begin()
    started = time.perf_counter()

    def count_time() -> None:
        for state in states:
            state.seconds += (time.perf_counter() - started) / len(states)

    for step in range(states[0].step, len(steps)):
        steps.take(step)
        for state in states:
            state.step = step + 1
        advance(1)
        if due():
            steps.wait()
            count_time()
            checkpoint()
            started = time.perf_counter()
    steps.wait()
    count_time()


def epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    """Return the order of the `count` training images in an epoch, int64 (count,); the same for every variant."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(derive_seed("order", seed, epoch)))
