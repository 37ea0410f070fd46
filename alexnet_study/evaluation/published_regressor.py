"""The published study's linear regressor: one linear layer on frozen features, trained by SGD."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.sgd import sgd

EPOCHS = 5
BATCH_SIZE = 256
LEARNING_RATE = 0.001
MOMENTUM = 0.9


def fit_published(features: Tensor, labels: Tensor, classes: int, *, seed: int) -> torch.nn.Linear:
    """Return a linear layer d → C trained on features (n, d) float32, labels (n,): cross-entropy, no weight decay."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(features.shape[1], classes).to(features.device)
    momenta: list[Tensor | None] = [None, None]
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels), generator=generator).to(labels.device).split(BATCH_SIZE):
            loss = F.cross_entropy(layer(features[batch]), labels[batch])
            _update(layer, torch.autograd.grad(loss, list(layer.parameters())), momenta)
    return layer


@torch.no_grad()
def _update(layer: torch.nn.Linear, gradients: Sequence[Tensor], momenta: list[Tensor | None]) -> None:
    """One step of SGD with momentum, as `torch.optim.SGD` takes it, making which would import PyTorch's compiler.

    Momenta of None, before the first step, become the gradients.
    """
    sgd(
        list(layer.parameters()),
        list(gradients),
        momenta,
        foreach=layer.weight.is_cuda,
        lr=LEARNING_RATE,
        momentum=MOMENTUM,
        weight_decay=0.0,
        dampening=0.0,
        nesterov=False,
        maximize=False,
    )
