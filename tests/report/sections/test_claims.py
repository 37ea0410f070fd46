"""What the table of tests shows beside a claim's own test."""

import numpy as np
import pytest

from alexnet_study.report.audit.verdicts import judge
from alexnet_study.report.collection import Collection
from alexnet_study.report.sections.claims import tests as table_of_tests


@pytest.mark.parametrize(("seeds", "level"), [(3, " (75 %)"), (5, " (93.75 %)"), (6, "")])
def test_an_interval_of_few_seeds_is_the_range_and_says_its_level(
    collection: Collection, seeds: int, level: str
) -> None:
    own = collection.of_seeds(range(seeds))
    shown = table_of_tests(judge(own)).tidy["Hodges–Lehmann"][0]
    skip, baseline = (list(own.values.of(name, "evaluations.intact.top1").values()) for name in ("skip", "baseline"))
    gains = 100 * (np.array(skip) - np.array(baseline))
    assert shown.endswith(f" [{gains.min():+.2f}, {gains.max():+.2f}]{level}".replace("-", "−"))
