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
