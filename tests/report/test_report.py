"""The report: right numbers from the runs that are finished and alike, every other run named."""

import dataclasses
import json
import re
import shutil
from base64 import b64decode
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError
from alexnet_study.files import digest
from alexnet_study.report.arrays import FILE
from alexnet_study.report.collect import REFERENCE, Collection, collect
from alexnet_study.report.drawing import HUES, colour, line
from alexnet_study.report.page import LIGHTER, TEMPLATES, write_report
from alexnet_study.report.run_tables import cost
from alexnet_study.report.sections import ABSENT, KEPT
from alexnet_study.report.tables import differences, plateau
from alexnet_study.study.study import Study, load_study
from tests.conftest import STUDY, execute, write_images
from tests.report.synthetic import write_runs

SECTIONS = ("claims", "published", "comparison", "spread", "learning-curves", "confusion", "recall", "features") + (
    "separability",
    "calibration",
    "cost",
    "runs",
    "provenance",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """All four runs of the tiny study."""
    home = tmp_path_factory.mktemp("study")
    (home / "tiny.yaml").write_text(STUDY)
    study = load_study(home / "tiny.yaml")
    data = load_dataset(str(write_images(home / "images")))
    for run in study.runs():
        execute(run, data, home / "results")
    return study, home / "results"


@pytest.fixture
def results(finished: tuple[Study, Path], tmp_path: Path) -> Path:
    """A copy of the results that a test may damage."""
    shutil.copytree(finished[1], tmp_path / "results")
    return tmp_path / "results"


def top1(results: Path, variant: str) -> list[float]:
    paths = sorted((results / "tiny" / variant).glob("seed-*/summary.json"))
    return [json.loads(path.read_text())["evaluations"]["intact"]["top1"] for path in paths]


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
        assert len(pd.read_csv(page.parent / f"figures/{name}.csv")) > 0
    html = page.read_text()
    assert html.count('<img src="data:image/svg+xml;base64,') == html.count(' alt="') == len(names)
    assert "http://" not in html
    assert "https://" not in html


def test_a_figure_of_too_few_seeds_is_a_dash_in_its_own_column(finished: tuple[Study, Path], results: Path) -> None:
    shown = differences(collect(finished[0], results)).display
    assert list(shown.columns) == ["figure", "skip − baseline (n = 2)"]
    stability = shown[shown["figure"].str.startswith("distance from the median learning curve")]
    assert stability.iloc[0, 1] == "–"
    assert not shown.isna().to_numpy().any()


def test_a_report_of_the_same_runs_is_the_same(finished: tuple[Study, Path], results: Path) -> None:
    def content() -> dict[str, bytes]:
        folder = write_report(collect(finished[0], results), results).parent
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert content() == content()


def test_missing_unfinished_and_damaged_runs_are_named(finished: tuple[Study, Path], results: Path) -> None:
    runs = results / "tiny"
    shutil.rmtree(runs / "baseline/seed-0")
    (runs / "baseline/seed-1/summary.json").unlink()
    shutil.copytree(runs / "skip/seed-1", runs / "other/seed-1")
    predictions = runs / "skip/seed-0/predictions.npz"
    predictions.write_bytes(predictions.read_bytes()[:-1])
    collection = collect(finished[0], results)
    assert [(run.variant, run.seed) for run in collection.runs] == [("skip", 1)]
    reasons = {entry.run: entry.reason for entry in collection.left_out}
    assert reasons["baseline, 1 seed 0"] == "not run"
    assert reasons["other"] == "not a variant of the study"
    assert reasons["baseline/seed-1"].startswith("unfinished")
    assert "predictions.npz" in reasons["skip/seed-0"]
    page = write_report(collection, results)
    assert all(run in page.read_text() and run in (page.parent / "report.md").read_text() for run in reasons)


@pytest.mark.parametrize("damage", ["{", "3", "[]", "{}", ""])
@pytest.mark.parametrize("name", ["summary.json", "config.json", "provenance.json", "metrics.jsonl"])
def test_any_damaged_file_leaves_its_run_out(
    finished: tuple[Study, Path], results: Path, name: str, damage: str
) -> None:
    (results / "tiny/skip/seed-0" / name).write_text(damage)
    collection = collect(finished[0], results)
    assert len(collection.runs) == 3
    assert [entry.run for entry in collection.left_out] == ["skip/seed-0"]
    assert name in collection.left_out[0].reason


def test_runs_unlike_the_others_are_left_out_and_mixed_devices_flagged(
    finished: tuple[Study, Path], results: Path
) -> None:
    config = results / "tiny/skip/seed-0/config.json"
    other = {**json.loads(config.read_text()), "numerics": 9}
    config.write_text(json.dumps({**other, "hash": digest({k: other[k] for k in other.keys() - {"variant", "hash"}})}))
    provenance = results / "tiny/skip/seed-1/provenance.json"
    content = json.loads(provenance.read_text())
    provenance.write_text(json.dumps({**content, "device": "another", "dirty": True}))
    collection = collect(finished[0], results)
    assert [(entry.run, entry.reason) for entry in collection.left_out] == [
        ("skip/seed-0", "unlike the others in numerics")
    ]
    assert any("devices" in flag and "another" in flag for flag in collection.flags)
    assert any("uncommitted" in flag for flag in collection.flags)


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


def test_one_slow_run_does_not_move_the_cost(study: Study, copy: Path) -> None:
    metrics = copy / "skip/skip/seed-0/metrics.jsonl"
    records = [json.loads(line) for line in metrics.read_text().splitlines()]
    slow = [{**record, "seconds": 200.0, "images_per_second": 5.0} for record in records]
    metrics.write_text("".join(json.dumps(record) + "\n" for record in slow))
    table = cost(collect(study, copy))
    row = table.display[table.display["variant"].str.startswith("skip")].iloc[0]
    assert row["training, seconds a run"] == "10.0 (10.0 to 1000.0)"
    assert row["images per second of training"] == "500 (5 to 500)"


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
    assert found.display["runs that left it"].tolist() == ["6 of 6", "5 of 6"]


def test_in_a_factorial_variants_that_differ_in_skips_share_a_colour(tmp_path: Path) -> None:
    study = load_study(Path("jobs/studies/why.yaml"))
    write_runs(dataclasses.replace(study, seeds=(0,)), tmp_path, images=20, kept=10)
    found = collect(study, tmp_path)
    pairs = [("plain", "plain_skip"), ("kaiming", "kaiming_skip"), ("norm", "norm_skip"), ("long", "long_skip")]
    assert all(colour(found, a) == colour(found, b) for a, b in pairs)
    assert len({str(colour(found, a)) for a, _ in pairs}) == 4
    assert [line(found, a) + line(found, b) for a, b in pairs] == ["---"] * 4
    assert line(found, "norm_skip", "lesioned") == ":"


def contrast(colour: str, ground: str) -> float:
    """WCAG 2's contrast ratio of two #rrggbb."""

    def luminance(code: str) -> float:
        shares = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_figures_can_be_seen_on_a_light_and_on_a_dark_page(collection: Collection, tmp_path: Path) -> None:
    style = (TEMPLATES / "page.css").read_text()
    light, dark, *_ = re.findall(r"--ground: (#[0-9a-f]+)", style.replace("#fff;", "#ffffff;"))
    assert all(contrast(to_hex(hue), light) > 3 for hue in HUES[:3])
    assert all(contrast(LIGHTER.get(to_hex(hue), to_hex(hue)), dark) > 3 for hue in HUES)
    assert contrast(LIGHTER["#000000"], dark) > 7
    html = write_report(collection, tmp_path).read_text()
    first = b64decode(html.split("data:image/svg+xml;base64,")[1].split('"')[0]).decode()
    assert "@media (prefers-color-scheme: dark)" in first
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert "prefers-color-scheme" not in (tmp_path / "skip/report/figures/accuracy.svg").read_text()


def test_two_variants_that_differ_in_a_skip_alone_have_their_own_colours(collection: Collection) -> None:
    assert colour(collection, "baseline") != colour(collection, "skip")
    assert line(collection, "baseline") == line(collection, "skip") == "-"


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
