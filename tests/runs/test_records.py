"""The records of a run folder: what was written is read back, older files too, and damage is named."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import DamagedRunError
from alexnet_study.files import canonical_json, digest, indented_json
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Summary, as_json, parse
from alexnet_study.study.configs import RunConfig
from tests.conftest import execute

REFERENCE = sorted(Path("results/reference").glob("*/*/seed-*"))


def read(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text())
    content.pop("checksum", None)
    return content


def test_every_committed_run_is_read_and_written_back_to_the_byte() -> None:
    assert len(REFERENCE) > 50
    for path in REFERENCE:
        folder = RunFolder(path)
        summary = folder.read_summary(arrays=False)
        body = json.loads(canonical_json(as_json(summary)))
        assert indented_json({**body, "checksum": digest(body)}) == folder.summary.read_bytes(), path
        assert indented_json(folder.read_config().as_json()) == folder.config.read_bytes(), path
        public = as_json(folder.read_provenance(), private=False)
        assert indented_json(public) == folder.provenance.read_bytes(), path
        lines = [json.dumps(as_json(record)) + "\n" for record in folder.read_metrics()]
        assert "".join(lines) == folder.metrics.read_text(), path


def test_what_a_run_reads_it_writes_back_to_the_byte(run: RunConfig, data: Dataset, tmp_path: Path) -> None:
    execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    identity, provenance, summary = folder.read_config(), folder.read_provenance(), folder.read_summary()
    assert summary is not None
    metrics = folder.read_metrics()
    folder.config.unlink()
    with folder.held(job="1", restart=0):
        folder.claim(identity)
        folder.write_metrics(metrics)
        folder.write_provenance(provenance)
        assert folder.write_summary(summary) == summary
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gap": {"published": 0.1}}, r"gap: missing proper"),
        ({"gap": {"published": 0.1, "proper": "a lot"}}, r"gap\.proper: 'a lot'"),
        ({"colour": "red"}, r"unknown key colour"),
        ({"classes": None}, r"classes: None"),
    ],
)
def test_damage_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(DamagedRunError, match=message):
        parse(Summary, {**read(REFERENCE[0] / "summary.json"), **change}, "summary.json")


def test_a_younger_field_reads_as_its_default_and_is_not_written_at_it() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Older:
        epoch: int

    @dataclass(frozen=True, kw_only=True)
    class Younger:
        epoch: int
        rate: float | None = None

    record = parse(Younger, as_json(Older(epoch=3)), "metrics.jsonl")
    assert record == Younger(epoch=3, rate=None)
    assert as_json(record) == {"epoch": 3}
    assert as_json(dataclasses.replace(record, rate=0.5)) == {"epoch": 3, "rate": 0.5}


def test_a_summary_with_fields_of_a_younger_version_is_finished(run: RunConfig, data: Dataset, tmp_path: Path) -> None:
    execute(run, data, tmp_path)
    folder = RunFolder.of(tmp_path, run)
    known = folder.read_summary()
    assert known is not None
    content = read(folder.summary)
    younger = json.loads(json.dumps(content))
    younger["calibrated"] = {"temperature": 1.5}
    younger["evaluations"]["intact"]["brier"] = 0.25
    younger["evaluations"]["intact"]["pca"]["kurtosis"] = [3.0]
    younger["linear_regressor"]["intact"]["by_stage"]["conv1"]["folds"] = 5
    written = indented_json({**younger, "checksum": digest(younger)})
    folder.summary.write_bytes(written)
    assert folder.read_summary() == known
    assert folder.is_finished()
    assert folder.summary.read_bytes() == written
    folder.summary.write_bytes(indented_json({**younger, "checksum": digest(content)}))
    assert not folder.is_finished()
    for name in ("gap", "evaluations"):
        less = {key: value for key, value in younger.items() if key != name}
        folder.summary.write_bytes(indented_json({**less, "checksum": digest(less)}))
        assert not folder.is_finished()
