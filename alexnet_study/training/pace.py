"""How fast a run would go on a device: a few of its own steps, and an evaluation, timed without a run's folder."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from alexnet_study.data.dataset import Dataset, hold_out
from alexnet_study.errors import RunError
from alexnet_study.evaluation.evaluation import evaluation_batch, predict
from alexnet_study.models import AlexNet
from alexnet_study.study.configs import MEASURED, RecipeConfig, RunConfig
from alexnet_study.training.determinism import allow_tf32, prepare
from alexnet_study.training.epoch import Steps
from alexnet_study.training.origin import origin_of
from alexnet_study.training.pack import lost_gpu_in_one_line
from alexnet_study.training.run import SUBSET
from alexnet_study.training.side_by_side import first_line, is_out_of_memory, steps_on
from alexnet_study.training.state import TrainingState

WARM_UP = 3  # steps before those that are timed: the first ones load kernels and get their memory
TIMED = 10
LIMIT_SECONDS = 5.0  # of all these; where a step takes longer, one warms up and one is timed
WARM_UP_SHARE = 0.2  # of that time
EVALUATED_BATCHES = 4


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The seconds that an image takes in training and in evaluation, as `steps` timed steps on a device say.

    train, test: images of each split.
    """

    training: float
    evaluation: float
    train: int
    test: int
    steps: int
    device: str

    def seconds(self, run: RunConfig) -> float:
        """Return what the run's epochs take with their evaluations; what is fitted at the end is left out."""
        epochs = run.recipe.epochs
        after_epochs = (epochs - 1) * (self.test + min(SUBSET, self.train))
        at_the_end = (2 if run.model.skips else 1) * (self.train + self.test)  # intact and lesioned
        return epochs * self.train * self.training + (after_epochs + at_the_end) * self.evaluation


def timed_as(run: RunConfig) -> RunConfig:
    """Return what is timed in the run's place, the same for all runs whose steps take the same time."""
    default = RecipeConfig()  # the constant schedule has no end, and this rate doesn't diverge in a few steps
    recipe = replace(
        run.recipe,
        epochs=default.epochs,
        learning_rate=default.learning_rate,
        schedule=default.schedule,
        warmup_epochs=default.warmup_epochs,
    )
    return replace(run, study="", variant="", seed=0, recipe=recipe, measure=MEASURED)


def pace_of(run: RunConfig, data: Dataset, device: torch.device) -> Pace:
    """Return how fast the run would go alone on the device. Nothing is written.

    Raise RequestError where the run can't be trained on this data or device, RunError where the device fails.
    """
    run, data = timed_as(run.on_data(data.normalisation)), hold_out(data, run.holdout)
    prepare(run.recipe, device)
    with _failing_in_one_line():
        data = data.to(device)
        state = TrainingState(run, len(data.classes), device)  # not whitened: that changes no step's time
        steps = steps_on(device, [state], data.train, run.recipe.batch_size)
        training, timed = _training_pace(steps)
        evaluation = _evaluation_pace(state.model, data.test.images)
    return Pace(
        training=training,
        evaluation=evaluation,
        train=len(data.train),
        test=len(data.test),
        steps=timed,
        device=origin_of(device, run.recipe.threads).device,
    )


def _training_pace(steps: Steps) -> tuple[float, int]:
    """Return the seconds an image takes, and the number of the steps that say so: those after the warm-up."""
    walk = _walk(steps)
    pace, taken = 0.0, 0
    for most, share in ((WARM_UP, WARM_UP_SHARE), (TIMED, 1 - WARM_UP_SHARE)):
        started, images, taken = time.perf_counter(), 0, 0
        for size in islice(walk, most):
            images, taken = images + size, taken + 1
            if time.perf_counter() - started > share * LIMIT_SECONDS:
                break
        steps.wait()
        pace = (time.perf_counter() - started) / images
    return pace, taken


def _walk(steps: Steps) -> Iterator[int]:
    """Take one step after another, epoch after epoch; yield how many images each takes."""
    (state,) = steps.states
    while True:
        state.model.train()
        steps.begin()
        for step in range(len(steps)):
            steps.take(step)
            yield min(steps.batch_size, len(steps.data) - step * steps.batch_size)
        state.next_epoch()


def _evaluation_pace(model: AlexNet, images: Tensor) -> float:
    """Return the seconds an image takes, in fp32 as every evaluation is."""
    allow_tf32(False)
    size = evaluation_batch(images)
    part = images[: EVALUATED_BATCHES * size]
    predict(model, part[:size]).cpu()
    started = time.perf_counter()
    predict(model, part).cpu()  # which waits for a GPU
    return (time.perf_counter() - started) / len(part)


@contextmanager
def _failing_in_one_line() -> Iterator[None]:
    """Raise RunError, one line, where the GPU is lost or its memory full."""
    try:
        with lost_gpu_in_one_line():
            yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(f"the GPU's memory is full: {first_line(error)}") from None
