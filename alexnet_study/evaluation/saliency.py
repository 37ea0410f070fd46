"""Which pixels a model's answer hangs on: the gradient of a class's logit (Simonyan, Vedaldi, Zisserman, ICLR 2014)."""

import torch
from torch import Tensor

from alexnet_study.data.dataset import normalise
from alexnet_study.evaluation.evaluation import evaluation_batch
from alexnet_study.evaluation.trained_model import TrainedModel


def saliency(model: TrainedModel, images: Tensor, classes: Tensor) -> Tensor:
    """Return how much each pixel moves the logit of its image's class, float32 (N, 32, 32), the largest of an image 1.

    That is |∂ logit / ∂ normalised pixel|, the greatest over the channels. An image without any has zeros. images:
    uint8 (N, 3, 32, 32); classes: int64 (N,).
    """
    size = evaluation_batch(images)
    parts = zip(images.split(size), classes.split(size), strict=True)
    return torch.cat([_gradient(model, *part) for part in parts])


def _gradient(model: TrainedModel, images: Tensor, classes: Tensor) -> Tensor:
    pixels = normalise(images, statistics=model.normalisation).requires_grad_()
    with torch.enable_grad():
        logits = model.alexnet(pixels, lesioned=model.lesioned)
        (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), pixels)
    found = gradient.abs().amax(1)
    greatest = found.amax((1, 2), keepdim=True)
    return found / torch.where(greatest > 0, greatest, 1)
