"""The published study's linear regressor: one linear layer on frozen features, trained by SGD."""

import torch
from torch import Tensor
from torch.nn import functional as F

EPOCHS = 5
BATCH_SIZE = 256
LEARNING_RATE = 0.001
MOMENTUM = 0.9


def fit_published(features: Tensor, labels: Tensor, classes: int, *, seed: int) -> torch.nn.Linear:
    """A linear layer d → C trained on features (n, d) float32, labels (n,): cross-entropy, no weight decay."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(features.shape[1], classes).to(features.device)
    optimizer = torch.optim.SGD(layer.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels), generator=generator).to(labels.device).split(BATCH_SIZE):
            optimizer.zero_grad()
            F.cross_entropy(layer(features[batch]), labels[batch]).backward()
            optimizer.step()
    return layer
