"""The document of a study file's keys names every one of them."""

import dataclasses
import re
from pathlib import Path

import pytest

from alexnet_study.report.measures import MEASURES
from alexnet_study.study.claims import Claim, Published, PublishedFigures
from alexnet_study.study.configs import ModelConfig, RecipeConfig
from alexnet_study.study.study import Study

DOCUMENT = Path("docs/study-files.md").read_text()


def named(text: str) -> set[str]:
    """Every key in the first column of a part's table."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("part", "cls", "others"),
    [
        (DOCUMENT.split("\n## ")[0], Study, {"extends"}),
        (DOCUMENT.split("## `recipe`")[1].split("\n## ")[0], RecipeConfig, set()),
        (DOCUMENT.split("## `model`")[1].split("\n## ")[0], ModelConfig, set()),
        (DOCUMENT.split("## `claims`")[1].split("\n## ")[0], Claim, set()),
        (DOCUMENT.split("## `published`")[1].split("\n## ")[0], Published, set()),
    ],
)
def test_every_key_is_told(part: str, cls: type, others: set[str]) -> None:
    assert named(part) == {own.name for own in dataclasses.fields(cls)} | others


def test_every_key_of_published_figures_is_told() -> None:
    (row,) = [line for line in DOCUMENT.splitlines() if line.startswith("| `figures` |")]
    assert {own.name for own in dataclasses.fields(PublishedFigures)} <= set(re.findall(r"`(\w+)", row))


def test_every_metric_is_told() -> None:
    told = re.findall(r"`([\w.]+\.[\w.]+)`", DOCUMENT.split("## Metrics")[1])
    of_some = {name for name in told if not {"CLASS", "STAGE"} & set(name.split("."))}
    assert of_some == set(MEASURES)
    assert len(told) == len(of_some) + 3
