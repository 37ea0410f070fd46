"""Train one run, epoch by epoch, so that it can be stopped anywhere and goes on to the same bits.

The random state of a step follows from seed, epoch and step alone, so a checkpoint holds none.
"""

import ctypes
import hashlib
import io
import math
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from alexnet_study.config import RecipeConfig, RunConfig
from alexnet_study.data.dataset import Split, normalise
from alexnet_study.errors import DamagedRunError, RequestError, RunError
from alexnet_study.models import AlexNet, build_model
from alexnet_study.optimizer import MomentumSGD
from alexnet_study.runs import RunFolder

CHECKPOINT_SECONDS = 30.0
CACHE_BATCH = 64  # images whose largest activations, 8 MB in bf16, fit the last-level cache of a CPU
CHECKPOINT_FIELDS = {"model", "momenta", "epoch", "step", "sums", "seconds", "records", "origins"}
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from a purpose and its numbers: `derive_seed("dropout", seed, epoch, step)`."""
    data = "/".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest()) >> 1


def prepare(recipe: RecipeConfig, device: torch.device) -> None:
    """Set this process up for reproducible bits: threads, deterministic kernels, no TF32 but where the recipe asks.

    RequestError for tf32 on a CPU, which has none.
    """
    if recipe.precision == "tf32" and device.type == "cpu":
        raise RequestError("recipe.precision: tf32 needs an NVIDIA GPU; expected fp32 or bf16 on a CPU")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    keep_freed_memory()
    torch.set_num_threads(recipe.threads)
    torch.set_deterministic_debug_mode("error")  # `use_deterministic_algorithms` too, less its import of the compiler
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010, as its stub lacks the name
    torch.backends.cudnn.benchmark = False
    allow_tf32(recipe.precision == "tf32")


def keep_freed_memory() -> None:
    """Let glibc keep what a step frees: else each step gets its activations page by page from the kernel again.

    A step is a third shorter so. Other C libraries have no such setting and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Give what is kept back to the kernel, before work of another kind needs memory in other pieces."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def allow_tf32(allowed: bool) -> None:
    """TF32 for matrix products and convolutions on CUDA; PyTorch's default leaves it on for cuDNN."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


class TrainingState:
    """Model, optimiser, and how far they are: `epoch` and `step` are the next to do, from 0; `sums` belong to `epoch`.

    sums (3,) float64: loss summed over images, correct predictions, images; all of the running mean, dropout on.
    """

    def __init__(self, run: RunConfig, classes: int, device: torch.device) -> None:
        recipe = run.recipe
        self.model: AlexNet = build_model(run.model, classes, seed=derive_seed("initialisation", run.seed)).to(device)
        self.optimizer = MomentumSGD(list(self.model.parameters()), recipe)
        self.seed, self.precision = run.seed, recipe.precision
        self.generator = torch.Generator(device)
        self.model.draw_from(self.generator)
        self.epoch = 0
        self.step = 0
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)
        self.seconds = 0.0
        self.records: list[dict[str, Any]] = []
        self.origins: list[dict[str, Any]] = []  # the devices and versions that it was trained with so far

    def draw(self, step: int) -> None:
        """Seed dropout's masks for `step` of the epoch."""
        self.generator.manual_seed(derive_seed("dropout", self.seed, self.epoch, step))

    def take_step(self, data: Split, batch: Tensor) -> None:
        """Update on the images whose indices are `batch` (B,), int64, on the data's device; adds to the sums."""
        images, labels = data.images[batch], data.labels[batch]
        self.sums += train_step(self.model, self.optimizer, images, labels, self.precision)

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


class Steps:
    """The steps of runs that train side by side: alike in all but the seed, and at the same step of the same epoch.

    Here they are taken one after another; `alexnet_study.graphs` takes them at once.
    """

    def __init__(self, states: list[TrainingState], data: Split, batch_size: int) -> None:
        self.states, self.data, self.batch_size = states, data, batch_size
        self.orders: list[Tensor] = []

    def __len__(self) -> int:
        """Steps of a whole epoch; the last may take fewer images."""
        return math.ceil(len(self.data) / self.batch_size)

    def begin(self) -> None:
        """Get ready for the rest of the states' epoch."""
        device = self.data.labels.device
        self.orders = [epoch_order(state.seed, state.epoch, len(self.data)).to(device) for state in self.states]

    def take(self, step: int) -> None:
        """Step `step`, counted from 0, of every state."""
        for state, order in zip(self.states, self.orders, strict=True):
            state.draw(step)
            state.take_step(self.data, order[step * self.batch_size : (step + 1) * self.batch_size])

    def wait(self) -> None:
        """Until all that was asked for is done."""


def train_epoch(
    steps: Steps, *, checkpoint: Callable[[], None], due: Callable[[], bool], advance: Callable[[int], None]
) -> None:
    """The rest of the epoch; `advance(1)` after each step, `checkpoint` every 30 s and whenever it is `due`.

    Adds to each state's `seconds` its share of the time.
    """
    states = steps.states
    for state in states:
        state.model.train()
    steps.begin()
    started = saved = time.perf_counter()

    def count_time() -> None:
        for state in states:
            state.seconds += (time.perf_counter() - started) / len(states)

    for step in range(states[0].step, len(steps)):
        steps.take(step)
        for state in states:
            state.step = step + 1
        advance(1)
        if time.perf_counter() - saved >= CHECKPOINT_SECONDS or due():
            steps.wait()
            count_time()
            checkpoint()
            started = saved = time.perf_counter()
    steps.wait()
    count_time()


def train_step(model: AlexNet, optimizer: MomentumSGD, images: Tensor, labels: Tensor, precision: str) -> Tensor:
    """One update on uint8 images (B, 3, 32, 32); returns (loss · B, correct, B), float64 (3,), on the device."""
    with autocast(images.device, precision):
        logits = model.classify(torch.cat([model.features(normalise(part)) for part in cache_parts(model, images)]))
        loss = F.cross_entropy(logits.float(), labels)  # logits (B, C)
    optimizer.clear_gradients()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        correct = (logits.argmax(1) == labels).sum()
        count = torch.full((), float(len(labels)), dtype=torch.float64, device=labels.device)
        return torch.stack([loss.double() * count, correct.double(), count])


def cache_parts(model: AlexNet, images: Tensor) -> tuple[Tensor, ...]:
    """`images` in parts whose activations stay in a CPU's cache; whole on a GPU, or where images see one another."""
    whole = images.is_cuda or model.config.batch_norm
    return (images,) if whole else images.split(CACHE_BATCH)


def epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    """The order of the `count` training images in an epoch, int64 (count,); the same for every variant."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(derive_seed("order", seed, epoch)))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """bf16 autocast where the precision asks for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


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
