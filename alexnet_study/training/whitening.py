"""The first layer as a whitening of patches of the training images (Jordan, arXiv:2404.00498, section 3.1), fixed.

Of the patches' second moments, eigenvectors over the root of their eigenvalues, the largest first, and then the same
with the other sign, so that an activation of one sign loses nothing.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alexnet_study.data.dataset import Split, evenly_over_classes, normalise
from alexnet_study.models import AlexNet
from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics

IMAGES = 2000  # evenly over classes: some two million patches, for moments of 27 values
BATCH = 100
EPSILON = 5e-4  # added to the eigenvalues


def whiten(model: AlexNet, train: Split, normalisation: ChannelStatistics) -> None:
    """Set the weights of conv1 from the training images, where the model's initialisation is that."""
    if model.config.initialisation != "whitening":
        return
    conv = model.convolutions["conv1"]
    assert isinstance(conv, nn.Conv2d)
    indices = evenly_over_classes(train.labels, IMAGES)
    side, count = conv.kernel_size[0], conv.out_channels
    filters = whitening_filters(train.images[indices].cpu(), side=side, count=count, normalisation=normalisation)
    with torch.no_grad():
        conv.weight.copy_(filters)


def whitening_filters(images: Tensor, *, side: int, count: int, normalisation: ChannelStatistics = CIFAR10) -> Tensor:
    """Return float64 filters (count, 3, side, side) of uint8 images (N, 3, 32, 32); count is even."""
    length = images.shape[1] * side**2
    moments = torch.zeros(length, length, dtype=torch.float64)
    patches = 0
    for part in images.split(BATCH):
        pixels = normalise(part, torch.float64, statistics=normalisation)
        columns = F.unfold(pixels, side).transpose(0, 1).flatten(1)  # (length, patches)
        moments += columns @ columns.T
        patches += columns.shape[1]
    values, vectors = torch.linalg.eigh(moments / patches)  # ascending
    rows = (vectors / (values + EPSILON).sqrt()).T.flip(0)[: count // 2]
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    rows = rows * largest.sign()  # an eigenvector's sign is free: the largest element is positive
    return torch.cat([rows, -rows]).view(count, images.shape[1], side, side)
