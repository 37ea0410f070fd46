"""The report folder: every number of the page, on the page, in report.md and in report.json."""

import dataclasses
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from alexnet_study.errors import RequestError
from alexnet_study.report.collection import REFERENCE, Collection, collect
from alexnet_study.report.findings import FILE
from alexnet_study.report.rendering.page import LIGHTER, TEMPLATES
from alexnet_study.report.rendering.picture import HUES
from alexnet_study.report.rendering.section import ABSENT, KEPT
from alexnet_study.report.values import RunValues, Values
from alexnet_study.report.writing import write_report
from alexnet_study.study.study import Study

SECTIONS = ("claims", "published", "comparison", "spread", "learning-curves", "confusion", "recall", "features") + (
    "separability",
    "calibration",
    "cost",
    "runs",
    "provenance",
)


def top1(results: Path, variant: str) -> list[float]:
    paths = sorted((results / "tiny" / variant).glob("seed-*/summary.json"))
    return [json.loads(path.read_text())["evaluations"]["intact"]["top1"] for path in paths]


def contrast(colour: str, ground: str) -> float:
    """WCAG 2's contrast ratio of two #rrggbb."""

    def luminance(code: str) -> float:
        shares = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_report_says_what_the_runs_say(finished: tuple[Study, Path], results: Path) -> None:
    page = write_report(collect(finished[0], results), results)
    folder = page.parent
    table = pd.read_csv(folder / "tables/comparison.csv").set_index(["variant", "evaluation", "metric"])
    for variant in ("baseline", "skip"):
        values = top1(results, variant)
        row = table.loc[(variant, "intact", "evaluations.intact.top1")]
        assert (row["mean"], row["sd"], row["n"]) == pytest.approx((np.mean(values), np.std(values, ddof=1), 2))
    assert ("skip", "lesioned", "evaluations.lesioned.top1") in table.index
    assert ("baseline", "lesioned", "evaluations.lesioned.top1") not in table.index
    report = json.loads((folder / "report.json").read_text())
    stated = {row["metric"]: row["mean"] for row in report["variants"]["skip"] if row["evaluation"] == "intact"}
    assert stated["evaluations.intact.top1"] == pytest.approx(np.mean(top1(results, "skip")))
    assert len(report["runs"]) == 4
    curves = pd.read_csv(folder / "tables/learning_curves.csv")
    assert len(curves) == 8
    for ending in ("csv", "md", "tex"):
        assert {path.stem for path in (folder / "tables").glob(f"*.{ending}")} == set(report["tables"])


def test_figures_are_drawn_and_the_page_needs_nothing_else(finished: tuple[Study, Path], results: Path) -> None:
    page = write_report(collect(finished[0], results), results)
    names = {path.stem for path in (page.parent / "figures").glob("*.svg")}
    assert names >= {"accuracy", "learning_curves", "confusion", "confusion_difference", "recall", "pca", "calibration"}
    for name in names:
        assert ElementTree.parse(page.parent / f"figures/{name}.svg").getroot().tag.endswith("svg")
        assert (page.parent / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    html = page.read_text()
    linked = re.findall(r'<a class="data" href="([^"]+)" aria-label="Figure [^"]+">', html)
    assert len(linked) == len(names)
    assert all((page.parent / link).stat().st_size > 0 for link in linked)
    repeated = {path.name for path in (page.parent / "figures").glob("*.csv")}
    assert not repeated & {"learning_curves.csv", "recall.csv", "pca.csv"}  # their tables and from_arrays.json hold it
    assert html.count('<img src="data:image/svg+xml,') == html.count(' alt="') == len(names)
    assert "http://" not in html
    assert "https://" not in html


def test_a_report_of_the_same_runs_is_the_same(finished: tuple[Study, Path], results: Path) -> None:
    def content() -> dict[str, bytes]:
        folder = write_report(collect(finished[0], results), results).parent
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert content() == content()


def test_the_page_report_md_and_report_json_say_the_same(collection: Collection, made: Path, tmp_path: Path) -> None:
    page = write_report(dataclasses.replace(collection), tmp_path)
    html, text = (unescape((page.parent / name).read_text()) for name in ("index.html", "report.md"))
    report = json.loads((page.parent / "report.json").read_text())
    assert len(report["answer"]) == 3
    for sentence in report["answer"]:
        assert sentence in html
        assert sentence in text
    keys = {"statement", "metric", "estimate", "interval", "n", "published", "inside_prediction_interval", "verdict"}
    assert all(claim.keys() >= keys for claim in report["claims"])
    assert {"intact", "lesioned"} == set(report["claims"][0]["inside_prediction_interval"])
    latex = (page.parent / "tables/claims.tex").read_text()
    for claim in report["claims"]:
        shown = f"{claim['estimate'] * 100:+.2f}".replace("-", "−")
        if claim["metric"].endswith("top1"):
            assert all(shown in content for content in (html, text, latex.replace("$-$", "−")))
        outcome = claim["verdict"].removesuffix(", on a re-encoded copy")
        assert all(outcome in content and "verdict, on a re-encoded copy" in content for content in (html, text))
        assert all(claim["definition"] in content for content in (html, text))
    order = [html.index(f'<section id="{name}"') for name in SECTIONS]
    assert order == sorted(order)


def test_the_table_that_a_readme_quotes_is_whole(collection: Collection, tmp_path: Path) -> None:
    report = json.loads((write_report(collection, tmp_path).parent / "report.json").read_text())
    lines = (tmp_path / "skip/report/tables/claims.md").read_text().splitlines()
    assert lines[0] == "| claim | ours | n | p | published | verdict, on a re-encoded copy |"
    assert len(lines) == 2 + len(report["claims"])
    numbers = {claim.id: claim.number for claim in collection.study.claims}
    assert (numbers["1"], numbers["2 bird"], numbers["2 ship"]) == ("1", "2", "2")
    for row, claim in zip(lines[2:], report["claims"], strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[0] == f"{numbers[claim['id']]}. {claim['statement']}"
        assert cells[2] == str(claim["n"])
        assert (cells[4] == "–") == (claim["published"] is None)


def test_the_figures_can_be_seen_on_a_light_and_on_a_dark_page(collection: Collection, tmp_path: Path) -> None:
    style = (TEMPLATES / "page.css").read_text()
    light, dark, *_ = re.findall(r"--ground: (#[0-9a-f]+)", style.replace("#fff;", "#ffffff;"))
    assert all(contrast(to_hex(hue), light) > 3 for hue in HUES)
    assert all(contrast(LIGHTER.get(to_hex(hue), to_hex(hue)), dark) > 3 for hue in HUES)
    assert contrast(LIGHTER["#000000"], dark) > 7
    html = write_report(collection, tmp_path).read_text()
    first = unquote(html.split('src="data:image/svg+xml,')[1].split('"')[0])
    assert "@media (prefers-color-scheme: dark)" in first
    assert ElementTree.fromstring(first).tag.endswith("svg")
    bright, dark_rules = first.split("@media (prefers-color-scheme: dark)")
    inked = re.findall(r"(\.\w+)\{[^}]*stroke:#000000[^}]*\}", bright)
    lightened = re.findall(rf"(\.\w+)\{{[^}}]*stroke:{LIGHTER['#000000']}[^}}]*\}}", dark_rules)
    assert inked == lightened != []
    assert "#000000" not in dark_rules
    assert "prefers-color-scheme" not in (tmp_path / "skip/report/figures/accuracy.svg").read_text()


def test_a_study_without_claims_is_answered_by_its_accuracy(finished: tuple[Study, Path], results: Path) -> None:
    page = write_report(collect(finished[0], results), results)
    report = json.loads((page.parent / "report.json").read_text())
    assert report["claims"] == []
    assert report["answer"][0].startswith("Test top-1: baseline ")
    assert "skip less baseline" in report["answer"][0]


def test_damaged_arrays_are_named_but_a_reference_goes_without(study: Study, copy: Path) -> None:
    first = write_report(collect(study, copy), copy)
    before = json.loads((first.parent / "report.json").read_text())
    for path in copy.glob("skip/*/seed-*/*.npz"):
        path.unlink()
    assert "npz is missing" in collect(study, copy).left_out[0].reason
    (copy / "skip" / REFERENCE).write_text("{}")
    page = write_report(collect(study, copy), copy)
    after = json.loads((page.parent / "report.json").read_text())
    assert after.pop("from_arrays") == {**before.pop("from_arrays"), "kept": True}
    assert after == before
    assert KEPT in unescape(page.read_text())
    assert KEPT in (page.parent / "report.md").read_text()
    (page.parent / FILE).unlink()
    page = write_report(collect(study, copy), copy)
    bare = json.loads((page.parent / "report.json").read_text())
    assert bare["claims"] == before["claims"]
    assert bare["from_arrays"] is None
    assert ABSENT in unescape(page.read_text())


def test_no_finished_run_is_one_line(finished: tuple[Study, Path], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no finished run"):
        write_report(collect(finished[0], tmp_path), tmp_path)


def test_classes_of_any_name_are_reported(collection: Collection, tmp_path: Path) -> None:
    """Mathematics, a leading underscore, markup and other scripts: each stands in the page and the tables as it is."""
    names = ("$x^2$", "_private", "St. Bernard v1.0", "<b>", "a|b", "고양이", "a\\b", "50 %", "7", '"q"')
    new = dict(zip(collection.classes, names, strict=True))
    runs = [dataclasses.replace(own, single=_renamed(own, new)) for own in collection.values.runs]
    study = dataclasses.replace(collection.study, claims=(), published=None)
    renamed = dataclasses.replace(
        collection,
        study=study,
        runs=tuple(dataclasses.replace(run, classes=names) for run in collection.runs),
        values=Values(runs, names),
    )
    page = write_report(renamed, tmp_path)
    content = unescape(page.read_text())
    assert all(name in content for name in names)
    recall = pd.read_csv(page.parent / "tables/recall.csv", dtype=str)
    assert list(recall["class"].unique()) == list(names)
    confusion = pd.read_csv(page.parent / "figures/confusion.csv", dtype=str)
    assert set(confusion["true"]) == set(names)


def _renamed(own: RunValues, new: dict[str, str]) -> dict[tuple[str, str], float | None]:
    parts = ((evaluation, *path.rpartition(".")) for evaluation, path in own.single)
    keys = [(evaluation, f"{parent}{dot}{new.get(last, last)}") for evaluation, parent, dot, last in parts]
    return dict(zip(keys, own.single.values(), strict=True))


@pytest.mark.parametrize("page", sorted(Path("results/reference").glob("*/report/index.html")), ids=str)
def test_a_page_has_at_most_a_megabyte_and_a_half(page: Path) -> None:
    assert page.stat().st_size <= 1_500_000
