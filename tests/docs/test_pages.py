"""The pages of docs/: their links lead somewhere, and the files that they name exist."""

import re
from pathlib import Path

import pytest

PAGES = sorted(Path("docs").glob("*.md"))
NAMED = re.compile(r"`((?:alexnet_study|tests|slurm|jobs|benchmarks|documents)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    assert [name for name in NAMED.findall(page.read_text()) if not Path(name).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name.endswith(".ko.md")], ids=lambda page: page.name)
def test_a_translated_page_prints_the_same_fenced_blocks(page: Path) -> None:
    original = page.with_name(page.name.replace(".ko.md", ".md"))
    blocks, translated = (re.findall(r"^```.*?^```$", each.read_text(), re.DOTALL | re.M) for each in (original, page))
    assert translated == blocks


def test_the_page_on_additions_names_many_files() -> None:
    assert len(set(NAMED.findall(Path("docs/extending.md").read_text()))) > 25


@pytest.mark.parametrize("name", ["reading-a-report.md", "reading-a-report.ko.md"])
@pytest.mark.parametrize("report", sorted(Path("results/reference").glob("*/report/report.md")), ids=str)
def test_reading_a_report_names_its_sections_in_their_order(name: str, report: Path) -> None:
    """The sections on claims have headings of their own there, before the table of the others."""
    page = Path("docs", name).read_text()
    table = page[page.index("| The variants") :]
    headings = re.findall(r"^## (.*)$", report.read_text(), re.MULTILINE)
    stems = [re.sub(r"(?<=^Beside study) .*|, and how to make it again$", "", heading) for heading in headings]
    places = [table.find(stem) for stem in stems if stem not in ("All claims at a glance", "The claims")]
    assert len(places) >= 8
    assert -1 not in places
    assert places == sorted(places)
