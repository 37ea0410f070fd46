"""How to make it again, exactly: the true folder, data and seeds; when, with what commit, how to cite."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from alexnet_study.report.collection import REFERENCE
from alexnet_study.report.material import Material
from alexnet_study.report.sections import provenance


def commands(material: Material) -> str:
    return "\n".join(lines for _, lines in provenance.section(material).commands)


def on_data(material: Material, kind: str, name: str, /, **study: object) -> Material:
    """The same with runs on other data, and a study of other fields; its results are of the folder itself."""
    collection = material.collection
    source = dataclasses.replace(collection.runs[0].provenance.source, kind=kind, name=name)
    runs = tuple(
        dataclasses.replace(run, provenance=dataclasses.replace(run.provenance, source=source))
        for run in collection.runs
    )
    own = dataclasses.replace(collection, runs=runs, study=dataclasses.replace(collection.study, **study))
    return dataclasses.replace(material, collection=own, results=Path("results"))


def test_the_commands_name_results_data_and_seeds_only_where_they_differ(
    material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = on_data(material, "cifar10", "CIFAR-10", data="cifar10")
    assert "make report STUDY=jobs/studies/skip.yaml\n" in commands(plain)
    assert not any(word in commands(plain) for word in ("RESULTS=", "DATA=", "SEEDS=", "make reference"))
    elsewhere = dataclasses.replace(plain, results=tmp_path / "elsewhere")
    assert commands(elsewhere).count(" RESULTS=elsewhere") == 3
    assert " SEEDS=0,1,2,3,4,5" in commands(on_data(material, "cifar10", "CIFAR-10", data="cifar10", seeds=(0, 1)))


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("cifar10", "CIFAR-10", "DATA=cifar10"),
        ("digits", "scikit-learn's handwritten digits, stratified 80/20 split", "DATA=digits"),
        ("folder", "flowers", "DATA='…/flowers'"),
        ("folder", "my flowers", "DATA='…/my flowers'"),
    ],
)
def test_data_is_named_as_a_command_takes_it(material: Material, kind: str, name: str, said: str) -> None:
    assert f"{said}\n" in commands(on_data(material, kind, name, data="another"))


def test_runs_of_a_reference_are_made_in_a_folder_of_their_own(material: Material, tmp_path: Path) -> None:
    (tmp_path / "skip").mkdir()
    (tmp_path / "skip" / REFERENCE).touch()
    reference = dataclasses.replace(on_data(material, "cifar10", "CIFAR-10", data="cifar10"), results=tmp_path)
    assert f"make report STUDY=jobs/studies/skip.yaml RESULTS={tmp_path}\n" in commands(reference)
    assert "make study STUDY=jobs/studies/skip.yaml\n" in commands(reference)
    assert commands(reference).endswith("make reference STUDY=jobs/studies/skip.yaml")


def test_a_study_that_does_not_ship_has_a_file_of_which_the_name_alone_is_known(material: Material) -> None:
    assert "STUDY=…/mine.yaml" in commands(on_data(material, "cifar10", "CIFAR-10", name="mine"))


def test_overrides_are_pointed_at(material: Material) -> None:
    study = material.collection.study
    swapped = dict(zip(study.variants, reversed(study.variants.values()), strict=True))
    told, other = (
        [text for text, _ in provenance.section(on_data(material, "cifar10", "CIFAR-10", variants=variants)).commands]
        for variants in (study.variants, swapped)
    )
    assert not any("--set" in text for text in told)
    assert any("--set" in text for text in other)


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
