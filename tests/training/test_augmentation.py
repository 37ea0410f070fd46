"""Augmentation against PyTorch's flip and reflecting padding, and against a loop over pixels."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from alexnet_study.study.configs import AugmentationConfig
from alexnet_study.training.augmentation import Augmentation

COUNT = 40
IMAGES = torch.randint(0, 256, (COUNT, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
INDICES = torch.randperm(COUNT, generator=torch.Generator().manual_seed(1))[:11]


def drawn(config: AugmentationConfig, *, seed: int = 0, epoch: int = 0, count: int = COUNT) -> Augmentation:
    augmentation = Augmentation(config, seed=seed, count=count, device=torch.device("cpu"))
    augmentation.begin(epoch)
    return augmentation


def cut(image: Tensor, flip: bool, rows: int, columns: int, pixels: int) -> Tensor:
    """One image (3, 32, 32), mirrored, padded by reflection and cut out again."""
    image = image.flip(-1) if flip else image
    padded = F.pad(image[None].float(), (pixels,) * 4, mode="reflect")[0].to(torch.uint8)
    return padded[:, pixels + rows :, pixels + columns :][:, :32, :32]


@pytest.mark.parametrize("flip", ["none", "random", "alternating"])
@pytest.mark.parametrize("pixels", [0, 4, 31])
def test_images_are_mirrored_and_translated_as_by_pytorch(flip: str, pixels: int) -> None:
    augmentation = drawn(AugmentationConfig(flip=flip, translate=pixels), epoch=3)
    found = augmentation.apply(IMAGES[INDICES], INDICES)
    for image, index in zip(found, INDICES.tolist(), strict=True):
        rows, columns = augmentation.shifts[index].tolist()
        assert torch.equal(image, cut(IMAGES[index], bool(augmentation.flips[index]), rows, columns, pixels))
    assert augmentation.flips.any() == (flip != "none")
    assert augmentation.shifts.abs().max() == pixels


@pytest.mark.parametrize("side", [1, 8, 9])
def test_cutout_covers_a_square_around_its_centre(side: int) -> None:
    augmentation = drawn(AugmentationConfig(cutout=side))
    found = augmentation.apply(IMAGES[INDICES], INDICES)
    for image, index in zip(found, INDICES.tolist(), strict=True):
        expected = IMAGES[index].clone()
        row, column = augmentation.centres[index].tolist()
        for y in range(row - side // 2, row - side // 2 + side):
            for x in range(column - side // 2, column - side // 2 + side):
                if 0 <= y < 32 and 0 <= x < 32:
                    expected[:, y, x] = torch.tensor([125, 123, 114])  # the mean colour
        assert torch.equal(image, expected)


def test_alternating_flips_show_each_image_both_ways_in_two_epochs() -> None:
    config = AugmentationConfig(flip="alternating")
    flips = [drawn(config, epoch=epoch).flips for epoch in range(4)]
    assert torch.equal(flips[0], ~flips[1])
    assert torch.equal(flips[0], flips[2])
    assert not torch.equal(flips[0], drawn(config, seed=1).flips)


def test_draws_are_uniform_and_follow_from_seed_and_epoch_alone() -> None:
    config = AugmentationConfig(flip="random", translate=2, cutout=3)
    many = drawn(config, seed=5, epoch=7, count=20_000)
    assert many.flips.float().mean().item() == pytest.approx(0.5, abs=0.02)
    shares = torch.bincount(many.shifts[:, 0] + 2) / 20_000
    assert shares.tolist() == pytest.approx([0.2] * 5, abs=0.02)
    assert torch.bincount(many.centres[:, 1], minlength=32).min() > 400
    again = drawn(config, seed=5, epoch=2, count=20_000)
    assert not torch.equal(again.flips, many.flips)
    again.begin(7)
    for name in ("flips", "shifts", "centres"):
        assert torch.equal(getattr(again, name), getattr(many, name))
    alone = drawn(AugmentationConfig(flip="random"), seed=5, epoch=7, count=20_000)
    assert torch.equal(alone.flips, many.flips)
