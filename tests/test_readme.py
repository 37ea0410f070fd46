"""README and the results pages say what the reference runs say, in both languages."""

import math
import re
from pathlib import Path

import pytest

from documents.claims_tables import claims_table

REPORT = Path("results/reference/skip/report/report.md").read_text()
WHY = Path("docs/results.md").read_text().split("**Why?** [`")[1].split(".yaml")[0]  # the study that answers it
NUMBER = re.compile(r"[+−]?\d+\.\d+")
READMES = ("README.md", "README.ko.md")
RESULTS = ("docs/results.md", "docs/results.ko.md")


def bold_paragraphs(name: str) -> list[str]:
    """The answer, and the answer to why."""
    return [part for part in Path(name).read_text().split("\n\n") if part.startswith("**")]


@pytest.mark.parametrize("name", READMES)
def test_readme_is_short_and_its_text_of_one_width(name: str) -> None:
    lines = Path(name).read_text().splitlines()
    assert len(lines) <= 120
    assert max(len(line) for line in lines if not line.startswith(("|", "!"))) <= 140


@pytest.mark.parametrize("name", READMES)
def test_the_links_of_readme_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", Path(name).read_text())
    assert len(links) > 10
    assert [link for link in links if not Path(link).exists()] == []


def test_the_claims_table_is_the_reports() -> None:
    assert claims_table(Path("docs/results.md").read_text()) == claims_table(REPORT)


def test_the_korean_claims_table_has_the_same_numbers() -> None:
    ours, theirs = (claims_table(text).splitlines() for text in (Path(RESULTS[1]).read_text(), REPORT))
    assert [NUMBER.findall(line) for line in ours[2:]] == [NUMBER.findall(line) for line in theirs[2:]]
    assert [": 안" in line for line in ours[2:]] == [": inside" in line for line in theirs[2:]]
    assert ["지지됨" in line for line in ours[2:]] == ["supported" in line for line in theirs[2:]]


def test_both_languages_give_the_same_answer() -> None:
    paragraphs = [bold_paragraphs(name)[0] for name in RESULTS]
    english, korean = (sorted(NUMBER.findall(paragraph)) for paragraph in paragraphs)
    assert english == korean
    answer = REPORT.split("\n\n")[1]
    assert NUMBER.findall(answer)[:3] == NUMBER.findall(paragraphs[0])[:3]  # the difference and its interval


def test_readmes_answer_is_that_of_the_results_page() -> None:
    english, korean = (NUMBER.findall(bold_paragraphs(name)[0]) for name in READMES)
    assert sorted(english) == sorted(korean)
    assert english == NUMBER.findall(bold_paragraphs(RESULTS[0])[0])[: len(english)]


def test_how_many_published_figures_lie_outside_is_as_the_report_counts() -> None:
    row = next(line for line in REPORT.splitlines() if line.startswith("| analyze_performance.py | skip |"))
    intact, all_of_them, lesioned, _ = re.findall(r"(\d+) of (\d+)", row)[0] + re.findall(r"(\d+) of (\d+)", row)[1]
    assert intact == all_of_them
    for name in (*READMES, *RESULTS):
        integers = re.findall(r"(?<![\d.+−/])\d+(?![\d./])", bold_paragraphs(name)[0])
        assert {all_of_them, lesioned} <= set(integers), name


@pytest.mark.parametrize("name", [*READMES, *RESULTS])
def test_the_number_of_seeds_is_the_reports(name: str) -> None:
    n = re.search(r"\(95 % interval .*?n = (\d+) seeds\)", REPORT)
    assert n is not None
    assert re.search(rf"from {n[1]} seeds a variant|변형마다 시드 {n[1]}개", bold_paragraphs(name)[0])


def test_the_answer_to_why_is_the_second_reports() -> None:
    report = Path(f"results/reference/{WHY}/report/report.md").read_text()
    known = {number.lstrip("+−") for number in NUMBER.findall(report)} | {f"{math.log(10):.3f}"}
    for name in RESULTS:
        told = NUMBER.findall(bold_paragraphs(name)[1].rpartition("(")[0])  # in brackets: a run that isn't in it
        assert len(told) > 15
        assert {number.lstrip("+−") for number in told} <= known, name


@pytest.mark.parametrize("name", [*READMES, *RESULTS])
def test_how_far_the_ladder_goes_is_its_reports(name: str) -> None:
    reports = [Path(f"results/reference/{study}/report/report.md").read_text() for study in ("ladder", "ladder_pilot")]
    known = {number.lstrip("+−") for report in reports for number in NUMBER.findall(report)}
    (paragraph,) = (part for part in bold_paragraphs(name) if "91.09" in part)
    told = NUMBER.findall(paragraph)
    assert len(told) >= 6
    assert {number.lstrip("+−") for number in told} <= known


@pytest.mark.parametrize("name", [*READMES, *RESULTS])
def test_how_many_seeds_a_claim_needs_is_its_reports(name: str) -> None:
    reports = [Path(f"results/reference/{study}/report/report.md").read_text() for study in ("seeds", "skip")]
    known = {number.lstrip("+−") for report in reports for number in NUMBER.findall(report)}
    text = Path(name).read_text()
    start = min(text.index(words) for words in ("**How many seeds?**", "**시드는 몇 개?**") if words in text)
    part = re.split(r"\n(?:!\[|##|\n\*\*)", text[start:])[0]
    told = NUMBER.findall(part)
    assert len(told) >= 5
    assert {number.lstrip("+−") for number in told} <= known
    seeds_of_a_point = re.search(r"^\| 1\.0 \| (\d+) \[(\d+), (\d+)\]", reports[0], re.MULTILINE)
    assert seeds_of_a_point is not None
    assert set(seeds_of_a_point.groups()) <= set(re.findall(r"\d+", part))


@pytest.mark.parametrize(("name", "least"), [(name, 7) for name in READMES] + [(name, 20) for name in RESULTS])
def test_where_a_skip_helps_is_its_reports(name: str, least: int) -> None:
    report = Path("results/reference/where/report/report.md").read_text()
    known = {number.lstrip("+−") for number in NUMBER.findall(report)}
    (paragraph,) = (part for part in bold_paragraphs(name) if part.startswith(("**Where?**", "**어디에")))
    told = NUMBER.findall(paragraph)
    assert len(told) >= least
    assert {number.lstrip("+−") for number in told} <= known
