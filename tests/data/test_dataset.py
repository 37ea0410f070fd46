"""Normalisation and the choice of samples."""

import torch

from alexnet_study.data.dataset import MEAN, STD, evenly_over_classes, normalise


def test_normalise_scales_then_standardises() -> None:
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (MEAN, STD))
    expected = (images.double() / 255 - mean) / std
    torch.testing.assert_close(normalise(images).double(), expected, rtol=1e-5, atol=1e-5)


def test_evenly_over_classes_takes_the_first_of_each() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    assert evenly_over_classes(labels, 6).tolist() == [0, 1, 4, 5, 6, 7]
    assert evenly_over_classes(labels, 100).tolist() == list(range(8))
