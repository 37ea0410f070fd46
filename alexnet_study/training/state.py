"""Where the training of one run stands, and its checkpoint: stopped anywhere, it goes on to the same bits.

The random state of a step follows from seed, epoch and step alone, so a checkpoint holds none.
"""

import hashlib
import io
import math
from typing import Any

import torch
from torch import Tensor

from alexnet_study.data.dataset import Split
from alexnet_study.errors import DamagedRunError, RunError
from alexnet_study.models import AlexNet, build_model
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.training.determinism import derive_seed
from alexnet_study.training.optimizer import MomentumSGD
from alexnet_study.training.step import train_step

CHECKPOINT_FIELDS = {"model", "momenta", "epoch", "step", "sums", "seconds", "records", "origins"}


class TrainingState:
    """Model, optimiser, and how far they are: `epoch` and `step` are the next to do, from 0; `sums` belong to `epoch`.

    sums (3,) float64: loss summed over images, correct predictions, images; all of the running mean, dropout on.
    """

    def __init__(self, run: RunConfig, classes: int, device: torch.device) -> None:
        recipe = run.recipe
        self.model: AlexNet = build_model(run.model, classes, seed=derive_seed("initialisation", run.seed)).to(device)
        self.optimizer = MomentumSGD(list(self.model.parameters()), recipe)
        self.seed, self.recipe = run.seed, recipe
        self.device = device
        self.renew_generator()
        self.epoch = 0
        self.step = 0
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)
        self.seconds = 0.0
        self.records: list[dict[str, Any]] = []
        self.origins: list[dict[str, Any]] = []  # the devices and versions that it was trained with so far

    @property
    def bytes(self) -> int:
        """Bytes of weights, buffers and momenta, which is what a checkpoint holds."""
        return sum(tensor.nbytes for tensor in (*self.model.state_dict().values(), *self.optimizer.momenta))

    def renew_generator(self) -> None:
        """Draw dropout's masks from a generator that nothing else knows of."""
        self.generator = torch.Generator(self.device)
        self.model.draw_from(self.generator)

    def draw(self, step: int) -> None:
        """Seed dropout's masks for `step` of the epoch."""
        self.generator.manual_seed(derive_seed("dropout", self.seed, self.epoch, step))

    def take_step(self, data: Split, batch: Tensor) -> None:
        """Update on the images whose indices are `batch` (B,), int64, on the data's device; adds to the sums."""
        images, labels = data.images[batch], data.labels[batch]
        self.sums += train_step(self.model, self.optimizer, images, labels, self.recipe.precision)

    def next_epoch(self) -> None:
        """Stand at the start of the next epoch."""
        self.epoch, self.step, self.seconds = self.epoch + 1, 0, 0.0
        self.sums.zero_()

    def running(self) -> dict[str, float]:
        """The epoch's running training loss and accuracy; RunError where training diverged."""
        loss, correct, images = self.sums.tolist()
        if not math.isfinite(loss):
            raise RunError(f"training diverged in epoch {self.epoch}: the loss is {loss}; try a lower learning_rate")
        return {"train_loss": loss / images, "train_top1": correct / images}

    def save(self, folder: RunFolder) -> None:
        """Write `checkpoint.pt`, atomically and with a digest of its content; loads with weights_only=True."""
        content = {
            "model": self.model.state_dict(),
            "momenta": self.optimizer.momenta,
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums.tolist(),
            "seconds": self.seconds,
            "records": self.records,
            "origins": self.origins,
        }
        buffer = io.BytesIO()  # torch.save's own errors would hide a full disk's
        torch.save({**content, "digest": content_digest(content)}, buffer)
        folder.write(folder.checkpoint, buffer.getbuffer())

    def restore(self, folder: RunFolder) -> bool:
        """Go on from `checkpoint.pt` if there is one; DamagedRunError where it is not what was written."""
        if not folder.checkpoint.exists():
            return False
        content = read_checkpoint(folder)
        self.model.load_state_dict(content["model"])
        for momentum, saved in zip(self.optimizer.momenta, content["momenta"], strict=True):
            momentum.copy_(saved)
        self.epoch, self.step, self.seconds = content["epoch"], content["step"], content["seconds"]
        self.sums.copy_(torch.tensor(content["sums"], dtype=torch.float64))
        self.records, self.origins = content["records"], content["origins"]
        return True


def content_digest(value: Any) -> str:
    """SHA-256 of nested dicts, lists, numbers, text and tensors, whatever the layout of the tensors."""
    sha = hashlib.sha256()
    _update(sha, value)
    return sha.hexdigest()


def _update(sha: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        sha.update(f"tensor {value.dtype} {tuple(value.shape)}".encode())
        sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            sha.update(repr(key).encode())
            _update(sha, value[key])
    elif isinstance(value, list | tuple):
        sha.update(f"list {len(value)}".encode())
        for item in value:
            _update(sha, item)
    else:
        sha.update(repr(value).encode())


def read_checkpoint(folder: RunFolder) -> dict[str, Any]:
    """The content of `checkpoint.pt`, on the CPU; DamagedRunError where it is not what was written."""
    try:
        content: dict[str, Any] = torch.load(folder.checkpoint, map_location="cpu", weights_only=True)
        right = content.pop("digest") == content_digest(content)
    except Exception as error:  # torch.load and zipfile raise almost anything on damaged bytes
        raise DamagedRunError(f"{folder.checkpoint.name} cannot be read: {type(error).__name__}") from None
    if content.keys() != CHECKPOINT_FIELDS:
        raise DamagedRunError(f"{folder.checkpoint.name} was written by another version of the product")
    if not right:
        raise DamagedRunError(f"{folder.checkpoint.name} fails its checksum")
    return content
