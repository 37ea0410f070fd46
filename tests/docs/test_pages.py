"""The pages of docs/: their links lead somewhere, and the files that they name exist."""

import re
from pathlib import Path

import pytest

PAGES = sorted(Path("docs").glob("*.md"))
TRANSLATED = [page for page in PAGES if page.name.endswith(".ko.md")]
SHORTENED = ("clusters.ko.md", "docker.ko.md")  # these leave out some of what the English pages print
WHOLE = [page for page in TRANSLATED if page.name not in SHORTENED]
NUMBER = r"\d*\.\d+"
NAMED = re.compile(r"`((?:alexnet_study|tests|slurm|jobs|benchmarks|documents)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    assert [name for name in NAMED.findall(page.read_text()) if not Path(name).exists()] == []


def original(page: Path) -> Path:
    return page.with_name(page.name.replace(".ko.md", ".md"))


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_a_translated_page_prints_the_same_fenced_blocks(page: Path) -> None:
    pages = (original(page), page)
    blocks, translated = (re.findall(r"^```.*?^```$", each.read_text(), re.DOTALL | re.M) for each in pages)
    assert translated == blocks


@pytest.mark.parametrize("page", WHOLE, ids=lambda page: page.name)
@pytest.mark.parametrize(
    "what",
    [
        pytest.param(NUMBER, id="numbers"),
        pytest.param(r"`[^`]*`", id="code"),
        pytest.param(r"\]\(([^)]*)\)", id="links"),
    ],
)
def test_a_translated_page_says_the_same_in_its_own_order(page: Path, what: str) -> None:
    texts = (re.sub(r"\s+", " ", each.read_text()) for each in (original(page), page))
    english, korean = (text.replace(".ko.md", ".md") for text in texts)
    assert sorted(re.findall(what, korean)) == sorted(re.findall(what, english))


@pytest.mark.parametrize("page", WHOLE, ids=lambda page: page.name)
def test_a_translated_page_has_the_same_headings_and_rows(page: Path) -> None:
    english, korean = (re.findall(r"^(?:#+ |[|].*[|]$)", each.read_text(), re.M) for each in (original(page), page))
    assert [line.count("|") or line for line in korean] == [line.count("|") or line for line in english]
    numbers = [[sorted(re.findall(NUMBER, line)) for line in lines] for lines in (english, korean)]
    assert numbers[1] == numbers[0]


@pytest.mark.parametrize("page", [*TRANSLATED, Path("README.ko.md")], ids=lambda page: page.name)
def test_a_translated_page_leads_to_translated_pages_where_there_are_any(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+\.md)", page.read_text())
    others = [link for link in links if not link.endswith(".ko.md") and page.parent / link != original(page)]
    assert [link for link in others if (page.parent / link).with_suffix(".ko.md").exists()] == []


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_a_translated_pages_text_is_of_one_width(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [line for line in lines if len(line) > 140 and not line.startswith(("|", "!", "    "))] == []


@pytest.mark.parametrize("name", ["extending.md", "extending.ko.md"])
def test_the_page_on_additions_names_many_files(name: str) -> None:
    assert len(set(NAMED.findall(Path("docs", name).read_text()))) > 25


@pytest.mark.parametrize("name", ["reading-a-report.md", "reading-a-report.ko.md"])
@pytest.mark.parametrize("report", sorted(Path("results/reference").glob("*/report/report.md")), ids=str)
def test_reading_a_report_names_its_sections_in_their_order(name: str, report: Path) -> None:
    """The sections on claims have headings of their own there, beside the table of the others."""
    page = Path("docs", name).read_text()
    table = page[page.index("| The skip's advantage") :]
    headings = re.findall(r"^## (.*)$", report.read_text(), re.MULTILINE)
    stems = [re.sub(r"(?<=^Beside study) .*|, and how to make it again$", "", heading) for heading in headings]
    places = [table.find(stem) for stem in stems if stem not in ("All claims at a glance", "The claims")]
    assert len(places) >= 8
    assert -1 not in places
    assert places == sorted(places)
