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


def test_the_page_on_additions_names_many_files() -> None:
    assert len(set(NAMED.findall(Path("docs/extending.md").read_text()))) > 25
