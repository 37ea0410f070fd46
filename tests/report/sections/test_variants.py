"""The table of variants: counts as of the model that is built, and the fields in which variants differ."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from alexnet_study.models import build_model
from alexnet_study.report.collection import collect
from alexnet_study.report.material import gather
from alexnet_study.report.sections import variants
from alexnet_study.study.study import load_study


@pytest.fixture
def factorial(tmp_path: Path, write_runs: Callable[..., None]) -> variants.Section:
    study = load_study(Path("jobs/studies/why.yaml"))
    study = dataclasses.replace(study, seeds=(0,), looks={1: 1.0})
    write_runs(study, tmp_path, images=20, kept=10)
    return variants.section(gather(collect(study, tmp_path), tmp_path / "why/report"))


def test_a_factorials_table_shows_where_variants_differ_and_no_more(factorial: variants.Section) -> None:
    (table,) = factorial.tables
    shown = table.display.set_index("variant")
    assert list(shown.columns) == [
        "skips",
        "batch norm",
        "initialisation",
        "epochs",
        "parameters",
        "multiply-adds",
        "n",
    ]
    assert list(shown.loc["long_skip"])[:4] == ["conv2", "no", "default", "20"]
    assert list(shown.loc["norm"])[:4] == ["none", "yes", "default", "5"]
    model, recipe = factorial.text
    assert "widths 64 64 64 64 64" in model
    assert "batch size 256" in recipe
    assert "epochs" not in recipe
    assert "augmentation" not in recipe  # younger than the first runs, and none has any
    assert {"momentum", "hidden", "projection", "augmentation_flip"} <= set(table.tidy.columns)


def test_the_counts_are_those_of_the_model(factorial: variants.Section) -> None:
    study = load_study(Path("jobs/studies/why.yaml"))
    tidy = factorial.tables[0].tidy.set_index("variant")
    for name in ("plain", "norm_skip"):
        model = build_model(study.run(name, 0).model, 10, seed=0)
        assert tidy.loc[name, "parameters"] == sum(own.numel() for own in model.parameters())
    counted = 0

    def count(layer: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal counted
        weight = layer.get_parameter("weight")
        counted += weight.numel() * (output[0, 0].numel() if output.ndim == 4 else 1)

    model = build_model(study.run("plain", 0).model, 10, seed=0).eval()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)  # type: ignore[arg-type]
    model(torch.zeros(1, 3, 32, 32))
    assert tidy.loc["plain", "multiply_adds"] == counted
