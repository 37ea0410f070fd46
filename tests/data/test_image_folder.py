"""A folder decodes to the pixels that PIL reads, and its mistakes are one line."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError
from tests.conftest import write_images


def test_a_folder_decodes_to_its_pixels_and_labels(images: Path) -> None:
    data = load_dataset(str(images))
    assert data.classes == ("class0", "class1", "class2", "class3")
    assert data.train.images.shape == (48, 3, 32, 32)
    assert data.test.labels.tolist() == [label for label in range(4) for _ in range(5)]
    expected = np.asarray(Image.open(images / "test/class2/003.png")).transpose(2, 0, 1)
    assert np.array_equal(data.test.images[13].numpy(), expected)


def test_other_sizes_and_modes_become_32_by_32_rgb(images: Path, capfd: pytest.CaptureFixture[str]) -> None:
    grey = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8)[:, None] * 4, (1, 64)))
    grey.save(images / "train/class0/000.png")
    data = load_dataset(str(images))
    antialiased = np.asarray(grey.resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(data.train.images[0].numpy(), np.stack([antialiased] * 3))
    assert data.source.resized == 1
    assert "not 32×32" in capfd.readouterr().err


def test_mistakes_in_a_folder_are_one_line(images: Path) -> None:
    def refused(match: str) -> None:
        with pytest.raises(RequestError, match=match):
            load_dataset(str(images))

    (images / "test/class0/000.png").write_bytes(b"no image")
    refused(r"class0/000\.png")
    (images / "test/class9").mkdir()
    refused("no images in class class9")
    shutil.rmtree(images / "test/class9")
    shutil.rmtree(images / "test/class1")
    refused("differ in class1")
    shutil.rmtree(images / "test")
    refused("test/ is missing")
    shutil.rmtree(images / "train")
    (images / "train").mkdir()
    refused("no images in it")
    shutil.rmtree(images)
    refused("no such folder")


def test_the_fixture_has_the_shape_that_tests_rely_on(tmp_path: Path) -> None:
    assert len(list(write_images(tmp_path / "more", classes=2).rglob("*.png"))) == 34
