"""One step of training: the forward pass, the loss, the backward pass, the update, what is counted.

On a GPU a step is captured once and replayed: what differs from step to step must reach it in a tensor, as the learning
rate does, since a graph keeps a Python number as it was at the capture.
"""

from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.nn import functional as F

from alexnet_study.data.dataset import normalise
from alexnet_study.models import AlexNet
from alexnet_study.study.configs import RecipeConfig
from alexnet_study.training.optimizer import Optimizer

CACHE_BATCH = 64  # images whose largest activations, 8 MB in bf16, fit the last-level cache of a CPU


def train_step(model: AlexNet, optimizer: Optimizer, images: Tensor, labels: Tensor, recipe: RecipeConfig) -> Tensor:
    """Update once on uint8 images (B, 3, 32, 32); return (cross-entropy · B, correct, B), float64 (3,)."""
    with autocast(images.device, recipe.precision):
        parts = (normalise(part, statistics=recipe.normalisation) for part in cache_parts(model, images))
        logits = model.classify(torch.cat([model.features(part) for part in parts]))
        loss = objective(logits.float(), labels, recipe)  # logits (B, C)
    optimizer.clear_gradients()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        correct = (logits.argmax(1) == labels).sum()
        count = torch.full((), float(len(labels)), dtype=torch.float64, device=labels.device)
        if recipe.loss != "cross_entropy" or recipe.label_smoothing:
            loss = F.cross_entropy(logits.float(), labels)  # so that every recipe records the same measure
        return torch.stack([loss.double() * count, correct.double(), count])


def objective(logits: Tensor, labels: Tensor, recipe: RecipeConfig) -> Tensor:
    """Return what a step minimises, of logits (B, C) in fp32 and labels (B,)."""
    if recipe.loss == "squared_error":
        classes = torch.arange(logits.shape[1], device=logits.device)
        return F.mse_loss(logits, (labels[:, None] == classes).to(logits.dtype))
    return F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)


def cache_parts(model: AlexNet, images: Tensor) -> tuple[Tensor, ...]:
    """Return `images` in parts whose activations stay in a CPU's cache; whole on a GPU or with batch normalisation."""
    whole = images.is_cuda or model.config.batch_norm
    return (images,) if whole else images.split(CACHE_BATCH)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return a context in which bf16 is used if the precision asks for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
