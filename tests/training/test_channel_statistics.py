"""Images are normalised by their own channels' statistics, unless they are CIFAR-10's or the study gives others."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from alexnet_study.api import load_run
from alexnet_study.cluster.node.staging import prepared
from alexnet_study.data import dataset
from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RequestError
from alexnet_study.evaluation.saliency import saliency
from alexnet_study.evaluation.trained_model import TrainedModel
from alexnet_study.models import build_model
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import AugmentationConfig, RecipeConfig, RunConfig
from alexnet_study.study.identity import differences, identity
from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics
from alexnet_study.study.study import load_study
from alexnet_study.training.augmentation import Augmentation
from tests.conftest import STUDY, execute

GIVEN = "{mean: [0.5, 0.25, 0], std: [0.25, 0.5, 1]}"
AS_GIVEN = ChannelStatistics(mean=(0.5, 0.25, 0.0), std=(0.25, 0.5, 1.0))


def pixels(folder: Path, split: str) -> NDArray[np.float64]:
    """The images of a split, read without the product, values from 0 to 1, (N, 3, 32, 32)."""
    files = sorted((folder / split).glob("*/*.png"))
    return np.stack([np.asarray(Image.open(file)) for file in files]).transpose(0, 3, 1, 2) / 255


def normalised(folder: Path, split: str) -> Tensor:
    """The same less the training images' mean over all pixels of a channel, over their deviation."""
    train = pixels(folder, "train")
    mean, std = (moment(train, axis=(0, 2, 3), keepdims=True) for moment in (np.mean, np.std))
    return torch.from_numpy((pixels(folder, split) - mean) / std).float()


def given(study_file: Path, statistics: str = GIVEN) -> RunConfig:
    """A run whose study gives statistics."""
    study_file.write_text(STUDY.replace("threads: 1}", f"threads: 1, normalisation: {statistics}}}"))
    return load_study(study_file).run("skip", 0)


def test_a_run_on_a_folder_is_normalised_by_its_training_images(
    run: RunConfig, data: Dataset, images: Path, tmp_path: Path
) -> None:
    execute(run, data, tmp_path)
    found = load_run(RunFolder.of(tmp_path, run).path)
    stored, train = found.identity.recipe.normalisation, pixels(images, "train")
    np.testing.assert_allclose(stored.mean, train.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(stored.std, train.std((0, 2, 3)), rtol=1e-12)
    model, test = found.model(), normalised(images, "test")
    with torch.no_grad():
        np.testing.assert_allclose(found.predictions()["intact"], model.alexnet(test), rtol=1e-4, atol=1e-5)
        assert np.array_equal(found.predictions()["intact"], model(data.test.images))


def test_saliency_is_of_the_pixels_as_the_model_sees_them(run: RunConfig, data: Dataset, images: Path) -> None:
    alexnet = build_model(dataclasses.replace(run.model, widths=(8,) * 5), 4, seed=0)
    model = TrainedModel(alexnet, data.classes, normalisation=data.normalisation)
    test = normalised(images, "test").requires_grad_()
    alexnet(test).gather(1, data.test.labels[:, None]).sum().backward()
    assert test.grad is not None
    slopes = test.grad.abs().amax(1)
    assert slopes.amax() > 0
    expected = slopes / slopes.amax((1, 2), keepdim=True)
    torch.testing.assert_close(saliency(model, data.test.images, data.test.labels), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("initialisation", ["default", "whitening"])
def test_every_step_and_every_measurement_of_a_run_uses_the_same_statistics(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, initialisation: str
) -> None:
    used: set[ChannelStatistics] = set()
    scale_and_shift = dataset._scale_and_shift

    def watched(device: torch.device, statistics: ChannelStatistics) -> tuple[Tensor, Tensor]:
        used.add(statistics)
        return scale_and_shift(device, statistics)

    monkeypatch.setattr(dataset, "_scale_and_shift", watched)
    model = dataclasses.replace(run.model, initialisation=initialisation)
    measure = ("metrics", "pca", "regressors", "mirrored")
    execute(dataclasses.replace(run, model=model, measure=measure), data, tmp_path)
    assert used == {data.statistics}
    used.clear()
    execute(dataclasses.replace(run, model=model, measure=("metrics",), seed=1), data, tmp_path)
    assert used == {data.statistics}


def test_a_study_gives_other_statistics(study_file: Path, data: Dataset, tmp_path: Path) -> None:
    own = given(study_file)
    assert own.on_data(data.normalisation).recipe.normalisation == AS_GIVEN
    execute(own, data, tmp_path)
    stored = load_run(RunFolder.of(tmp_path, own).path).identity
    assert stored == identity(own, data.content_hash)
    assert stored.recipe.normalisation == AS_GIVEN


def test_by_cifar10s_statistics_an_identity_is_as_it_was_before_there_were_others(
    study_file: Path, run: RunConfig, data: Dataset
) -> None:
    stated = given(study_file, "{mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201]}")
    before = identity(dataclasses.replace(run, normalised_by_data=False), "data")
    assert identity(stated.on_data(data.normalisation), "data") == before
    assert "normalisation" not in before.recipe_fields
    there = identity(run.on_data(AS_GIVEN), "data")
    assert there.hash != before.hash
    assert differences(before, there) == [
        "recipe.normalisation: mean 0.4914 0.4822 0.4465, std 0.2023 0.1994 0.201 there, "
        "mean 0.5 0.25 0, std 0.25 0.5 1 here"
    ]


def test_digits_and_cifar10_are_normalised_by_cifar10s_statistics(data: Dataset, tmp_path: Path) -> None:
    assert load_dataset("digits", cache=tmp_path).normalisation == CIFAR10
    for kind, expected in (("cifar10", CIFAR10), ("cifar100", data.statistics), ("folder", data.statistics)):
        source = dataclasses.replace(data.source, kind=kind)
        assert dataclasses.replace(data, source=source).normalisation == expected


def test_the_submitter_knows_the_data_by_the_same_statistics(images: Path, data: Dataset) -> None:
    assert prepared(str(images), None).normalisation == data.normalisation


def test_cutout_covers_with_the_mean_colour_of_the_recipes_statistics() -> None:
    white = torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)
    config = AugmentationConfig(cutout=31)
    own = Augmentation(config, seed=0, count=1, device=torch.device("cpu"), normalisation=AS_GIVEN)
    own.begin(0)
    row, column = own.centres[0].tolist()
    assert own.apply(white, torch.tensor([0]))[0, :, row, column].tolist() == [round(255 * 0.5), round(255 * 0.25), 0]


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        ("{mean: [0.5, 0.5], std: [1, 1, 1]}", r"mean: \[0.5, 0.5\] is not valid; expected three values from 0 to 1"),
        ("{mean: [125, 123, 114], std: [1, 1, 1]}", r"mean: .* expected three values from 0 to 1"),
        ("{mean: [0.5, 0.5, 0.5], std: [1, 0, 1]}", r"std: .* expected three numbers above 0"),
        ("{mean: [0.5, 0.5, 0.5]}", "missing std"),
        ("cifar10", "normalisation: expected a mapping"),
    ],
)
def test_statistics_that_cannot_be_are_one_line(study_file: Path, statistics: str, message: str) -> None:
    with pytest.raises(RequestError, match=rf"^\S+tiny.yaml: [^\n]*{message}[^\n]*$"):
        given(study_file, statistics)
    assert RecipeConfig().normalisation == CIFAR10
