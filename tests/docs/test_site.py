"""The documents as a site: links lead somewhere, in both languages, and nothing comes from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("mkdocs", reason="mkdocs is not installed; make setup installs it")
from mkdocs.structure.files import Files

from documents import site as hook


class References(HTMLParser):
    """links: where a page leads; loaded: what it needs to be shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        if tag == "a" and own.get("href"):
            self.links.append(str(own["href"]))
        if tag in ("script", "img", "iframe") and own.get("src"):
            self.loaded.append(str(own["src"]))
        if tag == "link" and own.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.loaded.append(str(own["href"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages(site: Path) -> list[Path]:
    """The site's own pages: the reports beside them are tested with the report."""
    return [path for path in site.rglob("*.html") if hook.HOME not in path.parts]


def test_every_link_leads_to_a_file(site: Path) -> None:
    lost = []
    for page in pages(site):
        found = References(page.read_text())
        for link in found.links + found.loaded:
            parts = urlsplit(link)
            if not parts.scheme and parts.path and page.name != "404.html":
                target = page.parent / unquote(parts.path)
                lost += [f"{page.relative_to(site)}: {link}"] if not target.exists() else []
    assert len(pages(site)) > 25
    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in pages(site):
        assert [link for link in References(page.read_text()).loaded if urlsplit(link).netloc] == []


def test_every_page_is_in_the_navigation_and_korean_ones_are_korean(site: Path) -> None:
    start = References((site / "index.html").read_text()).links
    english = [page.stem for page in Path("docs").glob("*.md") if not page.name.endswith(".ko.md")]
    assert {f"{name}.html" for name in english} - {"index.html"} <= set(start)
    for page in Path("docs").glob("*.ko.md"):
        text = (site / "ko" / f"{page.name.removesuffix('.ko.md')}.html").read_text()
        assert 'lang="ko"' in text
        assert len(re.findall("[가-힣]", text)) > 200


def test_a_report_is_linked_as_its_page(site: Path) -> None:
    links = References((site / "results.html").read_text()).links
    assert "repository/results/reference/skip/report/index.html" in links


def test_a_link_to_what_is_not_in_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/page.md").write_text("[lost](../lost.yaml)")
    config: Any = SimpleNamespace(docs_dir=str(tmp_path / "docs"))
    with pytest.raises(FileNotFoundError, match=r"page\.md: \.\./lost\.yaml"):
        hook.on_files(Files([]), config)
