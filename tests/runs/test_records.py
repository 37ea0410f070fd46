"""The records of a run folder: what was written is read back, older files too, and damage is named."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.records import EpochRecord, Provenance, Summary, as_json, parse

REFERENCE = sorted(Path("results/reference").glob("*/*/seed-*"))


def read(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text())
    content.pop("checksum", None)
    return content


def test_every_committed_run_is_read_and_written_back_alike() -> None:
    assert len(REFERENCE) > 50
    for folder in REFERENCE:
        for cls, name in ((Summary, "summary.json"), (Provenance, "provenance.json")):
            content = read(folder / name)
            assert as_json(parse(cls, content, name)) == content, folder
        for line in (folder / "metrics.jsonl").read_text().splitlines():
            assert as_json(parse(EpochRecord, json.loads(line), "metrics.jsonl")) == json.loads(line)


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
