"""Saliency is the gradient that finite differences find."""

import torch

from alexnet_study.data.dataset import normalise
from alexnet_study.evaluation.saliency import saliency
from alexnet_study.evaluation.trained_model import TrainedModel
from alexnet_study.models import build_model
from alexnet_study.study.configs import ModelConfig

SMALL = ModelConfig(widths=(4, 4, 4, 4, 4), hidden=8, skips=("conv2",))


def test_it_is_the_gradient_of_finite_differences() -> None:
    model = TrainedModel(build_model(SMALL, 3, seed=0), ("a", "b", "c"))
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([2, 0])
    found = saliency(model, images, classes)
    assert found.shape == (2, 32, 32)
    assert found.amax((1, 2)).tolist() == [1, 1]
    double, pixels = model.alexnet.double(), normalise(images).double()
    for image, own in enumerate(classes.tolist()):
        differences = []
        for row, column in ((3, 4), (16, 16), (30, 2)):
            slopes = []
            for channel in range(3):
                step = torch.zeros_like(pixels[image : image + 1])
                step[0, channel, row, column] = 1e-6
                with torch.no_grad():
                    up, down = (double(pixels[image : image + 1] + sign * step)[0, own] for sign in (1, -1))
                slopes.append(abs(float(up - down)) / 2e-6)
            differences.append(max(slopes))
        ours = torch.stack([found[image, row, column] for row, column in ((3, 4), (16, 16), (30, 2))]).double()
        expected = torch.tensor(differences, dtype=torch.float64)
        assert torch.allclose(ours / ours.sum(), expected / expected.sum(), atol=1e-4)


def test_an_image_that_moves_nothing_has_none() -> None:
    model = TrainedModel(build_model(SMALL, 3, seed=0), ("a", "b", "c"))
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    assert not saliency(model, torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.tensor([1])).any()
