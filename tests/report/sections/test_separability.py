"""The linear regressor's accuracy against depth, from the runs' files."""

import json
from pathlib import Path

import numpy as np

from alexnet_study.report.material import Material
from alexnet_study.report.sections import separability
from tests.pointer import lie_on_a_linear_axis


def test_a_pointer_on_a_stage_reads_the_mean_where_it_is_drawn(material: Material, made: Path) -> None:
    section = separability.section(material)
    assert section is not None
    own = [spot for spot in section.pictures[0].spots if spot.text.startswith("baseline, conv")]
    summaries = [json.loads(path.read_text()) for path in made.glob("skip/baseline/seed-*/summary.json")]
    stages = [each["linear_regressor"]["intact"]["by_stage"] for each in summaries]
    means = [100 * float(np.mean([stage[f"conv{depth}"]["top1"] for stage in stages])) for depth in range(1, 6)]
    assert [spot.text for spot in own] == [f"baseline, conv{n + 1}: {mean:.2f} %" for n, mean in enumerate(means)]
    assert lie_on_a_linear_axis(own, range(1, 6))
    assert lie_on_a_linear_axis(own, means, upright=True)
