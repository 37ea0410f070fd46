"""Held-out training images stand in place of the test set, and nothing of the test set is used."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet_study.data.dataset import Dataset, Split, hold_out
from alexnet_study.errors import RequestError
from alexnet_study.report.collection import collect
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import identity, parse_identity
from alexnet_study.study.study import load_study
from tests.conftest import STUDY, execute


def rows(split: Split) -> set[bytes]:
    return {image.numpy().tobytes() for image in split.images}


def test_the_images_are_held_out_evenly_and_none_is_in_both_parts(data: Dataset) -> None:
    found = hold_out(data, 8)
    assert torch.bincount(found.test.labels).tolist() == [2, 2, 2, 2]
    assert (len(found.train), len(found.test)) == (40, 8)
    assert rows(found.train) | rows(found.test) == rows(data.train)
    assert not rows(found.train) & rows(found.test)
    assert not rows(found.test) & rows(data.test)
    assert hold_out(data, 0) is data


def test_a_holdout_that_leaves_a_class_without_images_is_refused(data: Dataset) -> None:
    with pytest.raises(RequestError, match=r"^holdout: 48 of 48 training images[^\n]*$"):
        hold_out(data, 48)


def test_it_is_part_of_the_identity_and_its_absence_is_not(run: RunConfig) -> None:
    held = identity(dataclasses.replace(run, holdout=8), "data")
    content = json.loads(json.dumps(held.as_json()))
    assert content["holdout"] == 8
    assert parse_identity(content, "config.json") == held
    assert held.hash != identity(run, "data").hash
    assert "holdout" not in identity(run, "data").as_json()


def test_a_run_never_sees_the_test_images(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(STUDY + "holdout: 8\n")
    study = load_study(tmp_path / "tiny.yaml")
    run = study.run("skip", 0)
    hidden = Split(images=torch.zeros_like(data.test.images), labels=data.test.labels)
    for name, own in (("as it is", data), ("hidden", dataclasses.replace(data, test=hidden))):
        execute(run, own, tmp_path / name)
    folders = [RunFolder.of(tmp_path / name, run) for name in ("as it is", "hidden")]
    assert folders[0].summary.read_bytes() == folders[1].summary.read_bytes()
    with np.load(folders[0].predictions) as arrays:
        assert np.bincount(arrays["labels"]).tolist() == [2, 2, 2, 2]
    assert folders[0].read_metrics()[-1].train_eval_n == 40
    (flag,) = [flag for flag in collect(study, tmp_path / "as it is").flags if "held out" in flag]
    assert "8 images" in flag
