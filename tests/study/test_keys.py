"""The document of a study file's keys names every one of them, in both languages."""

import dataclasses
import re
from pathlib import Path

import pytest

from alexnet_study.report.measures import MEASURES
from alexnet_study.study.claims import Claim, Published, PublishedFigures
from alexnet_study.study.configs import ModelConfig, RecipeConfig
from alexnet_study.study.study import Study

DOCUMENTS = {language: Path(f"docs/study-files{language}.md").read_text() for language in ("", ".ko")}
CODE = re.compile(r"`([^`]*)`")


@pytest.fixture(params=DOCUMENTS, ids=["English", "Korean"])
def document(request: pytest.FixtureRequest) -> str:
    return DOCUMENTS[request.param]


def section(document: str, heading: str) -> str:
    """The part below a heading; with none, that before the first."""
    return document.split(f"\n## {heading}\n" if heading else "# ", 1)[1].split("\n## ")[0]


def rows(text: str) -> list[tuple[str, str]]:
    """The first two columns of the rows of tables that name code in the first."""
    return re.findall(r"^\| (`[^|]*) \|([^|]*)", text, re.MULTILINE)


def named(text: str) -> set[str]:
    """Every key in the first column of a part's table."""
    return {name for row, _ in rows(text) for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("heading", "cls", "others"),
    [
        ("", Study, {"extends"}),
        ("`recipe`", RecipeConfig, set()),
        ("`model`", ModelConfig, set()),
        ("`claims`", Claim, set()),
        ("`published`", Published, set()),
    ],
)
def test_every_key_is_told(document: str, heading: str, cls: type, others: set[str]) -> None:
    assert named(section(document, heading)) == {own.name for own in dataclasses.fields(cls)} | others


def test_every_key_of_published_figures_is_told(document: str) -> None:
    (row,) = [line for line in document.splitlines() if line.startswith("| `figures` |")]
    assert {own.name for own in dataclasses.fields(PublishedFigures)} <= set(re.findall(r"`(\w+)", row))


def test_every_metric_is_told(document: str) -> None:
    metrics = document.split("\n## ")[-1]
    told = re.findall(r"`([\w.]+\.[\w.]+)`", metrics)
    of_some = {name for name in told if not {"CLASS", "STAGE"} & set(name.split("."))}
    assert of_some == set(MEASURES)
    assert len(told) == len(of_some) + 3


def test_both_languages_name_the_same_keys_row_by_row() -> None:
    english, korean = ([CODE.findall(keys) for keys, _ in rows(text)] for text in DOCUMENTS.values())
    assert korean == english


@pytest.mark.parametrize("heading", ["`recipe`", "`model`", "`claims`", "`published`"])
def test_both_languages_name_the_same_defaults(heading: str) -> None:
    parts = [rows(section(text, heading)) for text in DOCUMENTS.values()]
    english, korean = ([re.findall(r"[a-z]*[\d.]+(?:e-\d)?", default) for _, default in part] for part in parts)
    assert korean == english


def test_both_languages_name_the_same_values() -> None:
    english, korean = (sorted(CODE.findall(re.sub(r"\s+", " ", text))) for text in DOCUMENTS.values())
    assert korean == english
