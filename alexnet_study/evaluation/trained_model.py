"""A finished run's model as it was evaluated: from images to the recorded logits, bit for bit."""

import torch
from torch import Tensor, nn

from alexnet_study.data.dataset import normalise
from alexnet_study.evaluation.evaluation import CLASSIFIER_BATCH, evaluation_batch
from alexnet_study.models import AlexNet
from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics


class TrainedModel(nn.Module):
    """A trained AlexNet with its normalisation, in evaluation mode; `lesioned` leaves every skip out.

    alexnet: the network itself, on normalised images. classes: names, in the order of the logits. normalisation: of the
    recipe that it was trained by.
    """

    def __init__(
        self,
        alexnet: AlexNet,
        classes: tuple[str, ...],
        *,
        lesioned: bool = False,
        normalisation: ChannelStatistics = CIFAR10,
    ) -> None:
        super().__init__()
        self.alexnet, self.classes, self.lesioned, self.normalisation = alexnet, classes, lesioned, normalisation
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, float32 (N, C), of images uint8 (N, 3, 32, 32); gradients flow where they are enabled.

        The images are taken in the batches of the evaluation, so that on the device and with the number of threads that
        the run was evaluated with, the bits are those of predictions.npz.
        """
        logits = [self.alexnet.classify(part) for part in self.features(images).split(CLASSIFIER_BATCH)]
        return torch.cat(logits)

    def features(self, images: Tensor) -> Tensor:
        """Return the flattened output of conv5, float32 (N, D), of images uint8 (N, 3, 32, 32)."""
        parts = images.split(evaluation_batch(images))
        batches = (normalise(part, statistics=self.normalisation) for part in parts)
        return torch.cat([self.alexnet.features(batch, lesioned=self.lesioned) for batch in batches])

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax of the logits, float32 (N, C)."""
        return self(images).softmax(1)
