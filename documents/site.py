"""MkDocs' hook: what the pages link to outside docs/ becomes part of the site, which stands by itself then.

A report is linked as its page, all else as it lies in the repository. mkdocs.yml names this file.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)")
HOME = "repository"  # the folder of the site in which such files lie


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file that a page links to outside the documents; raise FileNotFoundError where there is none."""
    root = Path(config.docs_dir).parent
    for source in sorted(Path(config.docs_dir).glob("*.md")):
        for link in OUTSIDE.findall(source.read_text(encoding="utf-8")):
            path = root / _shown(link)
            if not path.is_file():
                raise FileNotFoundError(f"{source}: ../{link}: no such file in the repository")
            place = _place(link)
            if files.get_file_from_path(place) is None:
                files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text with such links led to their place in the site."""
    folder = str(PurePosixPath(page.file.src_uri).parent)
    return OUTSIDE.sub(lambda match: f"]({os.path.relpath(_place(match[1]), folder)}", markdown)


def _shown(link: str) -> str:
    """Return what of the repository stands for a link: of a report its page."""
    return re.sub(r"report/report\.md$", "report/index.html", link)


def _place(link: str) -> str:
    """Return where in the site that lies; a text outside docs/ is no page of the site."""
    return f"{HOME}/{re.sub(r'[.]md$', '.md.txt', _shown(link))}"
