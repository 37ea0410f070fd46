"""Variants compared."""

from pathlib import Path

from alexnet_study.report.collection import collect
from alexnet_study.report.sections.comparison import differences
from alexnet_study.study.study import Study


def test_a_figure_of_too_few_seeds_is_a_dash_in_its_own_column(finished: tuple[Study, Path], results: Path) -> None:
    shown = differences(collect(finished[0], results)).display
    assert list(shown.columns) == ["figure", "skip − baseline (n = 2)"]
    stability = shown[shown["figure"].str.startswith("distance from the median learning curve")]
    assert stability.iloc[0, 1] == "–"
    assert not shown.isna().to_numpy().any()
