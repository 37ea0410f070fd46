"""Normalisation and the choice of samples."""

from pathlib import Path

import numpy as np
import torch

from alexnet_study.data.arrays import channel_statistics
from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import evenly_over_classes, normalise
from alexnet_study.study.normalisation import CIFAR10


def test_normalise_scales_then_standardises() -> None:
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (CIFAR10.mean, CIFAR10.std))
    expected = (images.double() / 255 - mean) / std
    torch.testing.assert_close(normalise(images).double(), expected, rtol=1e-5, atol=1e-5)


def test_normalised_by_their_own_statistics_images_have_mean_0_and_deviation_1() -> None:
    rng = np.random.default_rng(0)
    images = (rng.beta([[[[2]], [[5]], [[1]]]], 3, (1500, 3, 8, 8)) * 255).astype(np.uint8)
    statistics = channel_statistics(images)
    values = images.transpose(1, 0, 2, 3).reshape(3, -1) / 255
    np.testing.assert_allclose(statistics.mean, values.mean(1), rtol=1e-12)
    np.testing.assert_allclose(statistics.std, values.std(1), rtol=1e-12)
    assert channel_statistics(images[::-1]) == statistics
    normalised = normalise(torch.from_numpy(images), torch.float64, statistics=statistics)
    torch.testing.assert_close(normalised.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        normalised.std((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-5
    )


def test_a_channel_of_one_value_can_be_normalised() -> None:
    images = np.zeros((2, 3, 32, 32), dtype=np.uint8)
    images[:, 1] = 200
    statistics = channel_statistics(images)
    assert normalise(torch.from_numpy(images), statistics=statistics).abs().max() < 1e-6


def test_the_statistics_of_the_training_images_are_recorded(images: Path) -> None:
    for _ in range(2):  # decoded, then from the cache
        data = load_dataset(str(images))
        assert data.statistics == channel_statistics(data.train.images.numpy())
        assert data.source.channel_mean == data.statistics.mean
        assert data.source.channel_std == data.statistics.std


def test_evenly_over_classes_takes_the_first_of_each() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    assert evenly_over_classes(labels, 6).tolist() == [0, 1, 4, 5, 6, 7]
    assert evenly_over_classes(labels, 100).tolist() == list(range(8))
