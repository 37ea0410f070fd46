"""Where the training of one run stands, and its checkpoint: stopped anywhere, it goes on to the same bits.

The random state of a step follows from seed, epoch and step alone, so a checkpoint holds none.
"""

import hashlib
import io
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from alexnet_study.data.dataset import Split
from alexnet_study.errors import DamagedRunError, RunError
from alexnet_study.models import AlexNet, build_model
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import EpochRecord, Origin, as_json, parse
from alexnet_study.study.configs import AugmentationConfig, RunConfig
from alexnet_study.training.augmentation import Augmentation
from alexnet_study.training.averaging import average_for
from alexnet_study.training.determinism import derive_seed
from alexnet_study.training.parameter_kinds import optimizer_for
from alexnet_study.training.step import train_step


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The content of `checkpoint.pt`: the state of the model, its `momenta`, and what else `TrainingState` says.

    In the file, records and origins are JSON values, and a digest of all is added.
    """

    model: dict[str, Tensor]
    momenta: list[Tensor]
    epoch: int
    step: int
    sums: list[float]
    seconds: float
    records: tuple[EpochRecord, ...]
    origins: tuple[Origin, ...]


class TrainingState:
    """Model, optimiser, and how far they are: `epoch` and `step` are the next to do, from 0; `sums` belong to `epoch`.

    sums (3,) float64: loss summed over images, correct predictions, images; all of the running mean, dropout on.
    records: of the epochs so far. origins: the devices and versions that it was trained with so far.
    """

    def __init__(self, run: RunConfig, classes: int, device: torch.device) -> None:
        recipe = run.recipe
        self.model: AlexNet = build_model(run.model, classes, seed=derive_seed("initialisation", run.seed)).to(device)
        self.optimizer = optimizer_for(self.model, recipe)
        self.average = average_for(self.model, recipe)
        self.seed, self.recipe = run.seed, recipe
        self.device = device
        self.renew_generator()
        self.augmentation: Augmentation | None = None
        self.epoch = 0
        self.step = 0
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)
        self.seconds = 0.0
        self.records: list[EpochRecord] = []
        self.origins: tuple[Origin, ...] = ()

    @property
    def bytes(self) -> int:
        """Return the bytes of weights, buffers and momenta, which is what a checkpoint holds."""
        return sum(tensor.nbytes for tensor in (*self.model.state_dict().values(), *self.momenta))

    @property
    def momenta(self) -> list[Tensor]:
        """Return all that goes from step to step beside model and sums: the optimiser's momenta, and averages."""
        return [*self.optimizer.momenta, *(self.average.averages if self.average else ())]

    def renew_generator(self) -> None:
        """Draw dropout's masks from a generator that nothing else knows of."""
        self.generator = torch.Generator(self.device)
        self.model.draw_from(self.generator)

    def prepare(self, images: int) -> None:
        """Get ready for epochs of so many training images."""
        config = self.recipe.augmentation
        if config != AugmentationConfig():
            self.augmentation = Augmentation(
                config, seed=self.seed, count=images, device=self.device, normalisation=self.recipe.normalisation
            )

    def begin_epoch(self) -> None:
        """Draw what belongs to the epoch as a whole."""
        if self.augmentation is not None:
            self.augmentation.begin(self.epoch)

    def draw(self, step: int) -> None:
        """Seed dropout's masks for `step` of the epoch."""
        self.generator.manual_seed(derive_seed("dropout", self.seed, self.epoch, step))

    def take_step(self, data: Split, batch: Tensor) -> None:
        """Update on the images whose indices are `batch` (B,), int64, on the data's device; add to the sums."""
        images, labels = data.images[batch], data.labels[batch]
        if self.augmentation is not None:
            images = self.augmentation.apply(images, batch)
        self.sums += train_step(self.model, self.optimizer, images, labels, self.recipe)
        if self.average is not None:
            self.average.follow()

    def evaluated(self) -> AbstractContextManager[None]:
        """Return a context in which the model has the weights that are evaluated: their averages, if there are any."""
        return self.average.shown() if self.average is not None else nullcontext()

    def next_epoch(self) -> None:
        """Stand at the start of the next epoch."""
        self.epoch, self.step, self.seconds = self.epoch + 1, 0, 0.0
        self.sums.zero_()

    def check(self) -> None:
        """Raise RunError if training diverged in the epoch: by its loss, or by its last update, which no loss shows."""
        loss = self.sums[0].item()
        if math.isfinite(loss) and self._is_finite():
            return
        what = "a weight is not finite" if math.isfinite(loss) else f"the loss is {loss}"
        raise RunError(f"training diverged in epoch {self.epoch + 1}: {what}; try a lower learning_rate")

    def running(self) -> tuple[float, float]:
        """Return the epoch's running training loss and top-1."""
        loss, correct, images = self.sums.tolist()
        return loss / images, correct / images

    def _is_finite(self) -> bool:
        """Whether all weights and moving statistics are; what is averaged over the steps is if these are."""
        return bool(torch.stack([tensor.isfinite().all() for tensor in self.model.state_dict().values()]).all())

    def save(self, folder: RunFolder) -> None:
        """Write `checkpoint.pt`, atomically and with a digest of its content; loads with weights_only=True."""
        content = {
            "model": self.model.state_dict(),
            "momenta": self.momenta,
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums.tolist(),
            "seconds": self.seconds,
            "records": [as_json(record) for record in self.records],
            "origins": [as_json(origin) for origin in self.origins],
        }
        buffer = io.BytesIO()  # torch.save's own errors would hide a full disk's
        torch.save({**content, "digest": content_digest(content)}, buffer)
        folder.write(folder.checkpoint, buffer.getbuffer())

    def restore(self, folder: RunFolder) -> None:
        """Go on from `checkpoint.pt` if there is one; raise DamagedRunError if it is damaged."""
        if not folder.checkpoint.exists():
            return
        saved = read_checkpoint(folder)
        self.model.load_state_dict(saved.model)
        for momentum, before in zip(self.momenta, saved.momenta, strict=True):
            momentum.copy_(before)
        self.epoch, self.step, self.seconds = saved.epoch, saved.step, saved.seconds
        self.sums.copy_(torch.tensor(saved.sums, dtype=torch.float64))
        self.records, self.origins = list(saved.records), saved.origins


def content_digest(value: object) -> str:
    """Return the SHA-256 of nested dicts, lists, numbers, text and tensors, whatever the layout of the tensors."""
    sha = hashlib.sha256()
    for part in _parts(value):
        sha.update(part)
    return sha.hexdigest()


def _parts(value: object) -> Iterator[bytes | memoryview]:
    if isinstance(value, Tensor):
        yield f"tensor {value.dtype} {tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield repr(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, list | tuple):
        yield f"list {len(value)}".encode()
        for item in value:
            yield from _parts(item)
    else:
        yield repr(value).encode()


def read_checkpoint(folder: RunFolder) -> Checkpoint:
    """Return the content of `checkpoint.pt`, on the CPU; raise DamagedRunError if it is not what was written."""
    name = folder.checkpoint.name
    try:
        content = torch.load(folder.checkpoint, map_location="cpu", weights_only=True)
        right = content.pop("digest") == content_digest(content)
    except Exception as error:  # torch.load and zipfile raise almost anything on damaged bytes
        raise DamagedRunError(f"{name} cannot be read: {type(error).__name__}") from None
    if content.keys() != {own.name for own in fields(Checkpoint)}:
        raise DamagedRunError(f"{name} was written by another version of the product")
    if not right:
        raise DamagedRunError(f"{name} fails its checksum")
    records = tuple(parse(EpochRecord, record, name) for record in content.pop("records"))
    origins = tuple(parse(Origin, origin, name) for origin in content.pop("origins"))
    return Checkpoint(**content, records=records, origins=origins)
