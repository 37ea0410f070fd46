"""Where the checks compute, and on what: made-up images, and the runs of a small study of structures."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alexnet_study.data.arrays import channel_statistics
from alexnet_study.data.dataset import Dataset, Split
from alexnet_study.models import IMAGE_CHANNELS, IMAGE_SIDE
from alexnet_study.runs.records import DataSource
from alexnet_study.study.configs import PRECISIONS, ModelConfig, RecipeConfig, RunConfig
from alexnet_study.training.determinism import prepare
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.graphs import Capture, CudaCapture, GraphSteps
from alexnet_study.training.side_by_side import fitting
from alexnet_study.training.state import TrainingState, content_digest

CLASSES = 10
TEST_IMAGES = 400
NOISE = 30  # standard deviation of a pixel around its class's colour
SKIP = "conv2"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A device and the size of what is computed there.

    capture: what records the steps of some states. peak: does work and returns the bytes that it took at most.
    """

    device: torch.device
    capture: Callable[[Sequence[TrainingState]], Capture]
    peak: Callable[[Callable[[], object]], int]
    model: ModelConfig
    batch_size: int
    precisions: tuple[str, ...] = PRECISIONS

    @property
    def structures(self) -> dict[str, ModelConfig]:
        """Return the models that are checked."""
        skip = dataclasses.replace(self.model, skips=(SKIP,))
        return {"plain": self.model, "skip": skip, "norm": dataclasses.replace(skip, batch_norm=True)}

    def cases(self) -> Iterator[tuple[str, str]]:
        """Yield every structure in every precision."""
        for structure in self.structures:
            for precision in self.precisions:
                yield structure, precision

    def data(self, whole_steps: int = 2) -> Dataset:
        """Return images of so many whole steps and a smaller one, on the device."""
        count = whole_steps * self.batch_size + self.batch_size // 2
        train, test = _images(count, seed=0), _images(TEST_IMAGES, seed=1)
        classes = tuple(str(label) for label in range(CLASSES))
        statistics = channel_statistics(train.images.numpy())
        source = DataSource(kind="made up", name="gpu-check", resized=0)
        data = Dataset(train=train, test=test, classes=classes, content_hash="", source=source, statistics=statistics)
        return data.to(self.device)

    def states(self, structure: str, precision: str, seeds: Sequence[int] = (0,)) -> list[TrainingState]:
        """Return fresh states of runs that differ in their seeds, and set the process up for them."""
        runs = [self.run(structure, precision, seed) for seed in seeds]
        prepare(runs[0].recipe, self.device)
        return [TrainingState(run, CLASSES, self.device) for run in runs]

    def run(self, structure: str, precision: str, seed: int = 0) -> RunConfig:
        """Return a run that belongs to no study file."""
        recipe, model = self.recipe(precision), self.structures[structure]
        return RunConfig(study="gpu-check", variant=structure, seed=seed, model=model, recipe=recipe)

    def recipe(self, precision: str) -> RecipeConfig:
        """Return the published recipe with the place's batch size."""
        return RecipeConfig(batch_size=self.batch_size, precision=precision)

    def most(self, precision: str) -> int:
        """Return how many runs of `skip` fit side by side."""
        return fitting(self.device, self.run("skip", precision), CLASSES)

    def eager(self, states: list[TrainingState], data: Dataset) -> Steps:
        """Return plain steps."""
        return Steps(states, data.train, self.batch_size)

    def graph(self, states: list[TrainingState], data: Dataset) -> Steps:
        """Return the captured steps, of whole batches and of the last."""
        return GraphSteps(states, data.train, self.batch_size, graphs=self.capture(states))


def place_on(device: torch.device, *, model: ModelConfig, batch_size: int) -> Place:
    """Return this process's device, captured by CUDA."""
    return Place(device=device, capture=CudaCapture, peak=_peak, model=model, batch_size=batch_size)


def gpu() -> Place:
    """Return this process's GPU, for the published model and batch size."""
    return place_on(torch.device("cuda"), model=ModelConfig(), batch_size=RecipeConfig().batch_size)


def trained(steps: Steps, epochs: int = 1) -> list[str]:
    """Train the rest of so many epochs; return of each state the SHA-256 of weights, momenta and sums."""
    for _ in range(epochs):
        train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda _: None)
        for state in steps.states:
            state.epoch, state.step = state.epoch + 1, 0
    return [content_digest([each.model.state_dict(), each.optimizer.momenta, each.sums]) for each in steps.states]


def _images(count: int, *, seed: int) -> Split:
    """Return images (count, 3, 32, 32), each of its class's colour, with noise."""
    generator = torch.Generator().manual_seed(seed)
    colours = torch.rand(CLASSES, IMAGE_CHANNELS, 1, 1, generator=torch.Generator().manual_seed(2)) * 175 + 40
    labels = torch.arange(count) % CLASSES
    noise: Tensor = NOISE * torch.randn(count, IMAGE_CHANNELS, IMAGE_SIDE, IMAGE_SIDE, generator=generator)
    return Split(images=(colours[labels] + noise).clamp(0, 255).to(torch.uint8), labels=labels)


def _peak(work: Callable[[], object]) -> int:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_reserved()
    kept = work()
    torch.cuda.synchronize()
    del kept
    return torch.cuda.max_memory_reserved() - before
