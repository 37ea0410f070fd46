"""Colours and lines of variants."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.rendering.picture import colour, line
from alexnet_study.study.study import load_study


def test_in_a_factorial_variants_that_differ_in_skips_share_a_colour(
    tmp_path: Path, write_runs: Callable[..., None]
) -> None:
    study = load_study(Path("jobs/studies/why.yaml"))
    write_runs(dataclasses.replace(study, seeds=(0,)), tmp_path, images=20, kept=10)
    found = collect(study, tmp_path)
    pairs = [("plain", "plain_skip"), ("kaiming", "kaiming_skip"), ("norm", "norm_skip"), ("long", "long_skip")]
    assert all(colour(found, a) == colour(found, b) for a, b in pairs)
    assert len({str(colour(found, a)) for a, _ in pairs}) == 4
    assert [line(found, a) + line(found, b) for a, b in pairs] == ["---"] * 4
    assert line(found, "norm_skip", "lesioned") == ":"


def test_two_variants_that_differ_in_a_skip_alone_have_their_own_colours(collection: Collection) -> None:
    assert colour(collection, "baseline") != colour(collection, "skip")
    assert line(collection, "baseline") == line(collection, "skip") == "-"
