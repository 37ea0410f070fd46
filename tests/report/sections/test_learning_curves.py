"""When the plateau is left."""

import dataclasses
import json
from pathlib import Path

import pytest
from scipy import stats

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.material import Material
from alexnet_study.report.sections.learning_curves import draw, odd_seeds, plateau
from alexnet_study.report.values import RunValues, Values
from alexnet_study.study.study import Study, load_study


def test_the_plateau_is_left_where_the_test_loss_says(study: Study, copy: Path) -> None:
    """Five of six runs leave it after epoch 2, one never; the baseline after epoch 1."""
    for seed in range(6):
        metrics = copy / f"skip/skip/seed-{seed}/metrics.jsonl"
        records = [json.loads(line) for line in metrics.read_text().splitlines()]
        losses = [2.25] * 5 if seed == 5 else [2.19, 2.18, 1.5, 1.4, 1.3]
        changed = [{**record, "test_loss": loss} for record, loss in zip(records, losses, strict=True)]
        metrics.write_text("".join(json.dumps(record) + "\n" for record in changed))
    found = plateau(collect(study, copy))
    tidy = found.tidy.set_index("variant")
    assert tidy.loc["skip", ["median", "least", "greatest", "left", "n"]].tolist() == [2, 2, 2, 5, 6]
    assert tidy.loc["skip", "first_test_loss_mean"] == pytest.approx((5 * 2.19 + 2.25) / 6)
    assert tidy.loc["baseline", ["median", "left"]].tolist() == [1, 6]
    exact = stats.binomtest(5, 6).proportion_ci(0.95, "exact")
    assert tidy.loc["skip", ["learned_low", "learned_high"]].tolist() == pytest.approx([exact.low, exact.high])
    assert found.display["runs that learned"].tolist() == ["6 of 6: 100 [54.1, 100.0]", "5 of 6: 83 [35.9, 99.6]"]


def test_a_run_far_from_the_others_is_named(collection: Collection) -> None:
    top1 = [0.50, 0.51, 0.52, 0.50, 0.51, 0.10]
    metric = ("intact", "evaluations.intact.top1")
    runs = [RunValues(variant="skip", seed=s, single={metric: value}, vectors={}) for s, value in enumerate(top1)]
    assert odd_seeds(dataclasses.replace(collection, values=Values(runs, collection.classes)), "skip") == [5]


def test_panels_keep_their_width_under_long_names(material: Material) -> None:
    """Of 14 panels, three beside each other, each curve goes over most of a third of the figure."""
    ladder = collect(load_study(Path("jobs/studies/ladder.yaml")), Path("results/reference"))
    spots = draw(dataclasses.replace(material, collection=ladder)).spots
    first, last = ([spot.left for spot in spots if f", epoch {epoch}:" in spot.text] for epoch in (1, 5))
    assert len(first) == len(last) == 14 * 2 * 3
    assert all(end - start > 20 for start, end in zip(first, last, strict=True))
