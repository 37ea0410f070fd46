"""How to make it again, exactly: the true folder, data and seeds; when, with what commit, how to cite."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from alexnet_study.report.material import Material
from alexnet_study.report.sections import provenance


def commands(material: Material) -> str:
    return "\n".join(lines for _, lines in provenance.section(material).commands)


def test_the_commands_name_results_data_and_seeds_only_where_they_differ(
    material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = material.collection.runs[0].provenance.source
    study = dataclasses.replace(material.collection.study, data=source.name)
    own = dataclasses.replace(material.collection, study=study)
    monkeypatch.chdir(tmp_path)
    plain = dataclasses.replace(material, collection=own, results=Path("results"))
    assert "make report STUDY=jobs/studies/skip.yaml\n" in commands(plain)
    assert not any(word in commands(plain) for word in ("RESULTS=", "DATA=", "SEEDS="))
    reference = dataclasses.replace(plain, results=tmp_path / "results/reference")
    assert "make report STUDY=jobs/studies/skip.yaml RESULTS=results/reference\n" in commands(reference)
    other = dataclasses.replace(own, study=dataclasses.replace(study, data="another", seeds=(0, 1)))
    said = commands(dataclasses.replace(plain, collection=other))
    assert f"{source.name} SEEDS=0,1,2,3,4,5" in said
    assert "DATA=" in said


def test_the_footer_dates_the_newest_run_and_not_its_own_making(material: Material) -> None:
    runs = material.collection.runs
    newest = max(attempt.last_heartbeat for run in runs for attempt in run.provenance.attempts)
    first, last = provenance.footer(material)
    assert f"ended on {datetime.fromtimestamp(newest, UTC).date()} (UTC)" in first
    assert first.startswith(f"{len(runs)} runs, made by the code of commit ")
    assert "Licence: MIT" in last


def test_the_citation_is_that_of_the_citation_file() -> None:
    cited = yaml.safe_load(Path("CITATION.cff").read_text())
    assert cited["title"] in provenance.CITATION
    assert provenance.CITATION.endswith(f"version {cited['version']}")
    assert cited["authors"][0]["name"] in provenance.CITATION
    assert str(cited["date-released"])[:4] in provenance.CITATION
    assert cited["license"] == provenance.LICENCE
