"""What the runs cost."""

import json
from pathlib import Path

from alexnet_study.report.collection import collect
from alexnet_study.report.sections import cost
from alexnet_study.study.study import Study


def test_one_slow_run_does_not_move_the_cost(study: Study, copy: Path) -> None:
    metrics = copy / "skip/skip/seed-0/metrics.jsonl"
    records = [json.loads(line) for line in metrics.read_text().splitlines()]
    slow = [{**record, "seconds": 200.0, "images_per_second": 5.0} for record in records]
    metrics.write_text("".join(json.dumps(record) + "\n" for record in slow))
    table = cost.tabulate(collect(study, copy))
    row = table.display[table.display["variant"].str.startswith("skip")].iloc[0]
    assert row["training, seconds a run"] == "10.0 (10.0 to 1000.0)"
    assert row["images per second of training"] == "500 (5 to 500)"
