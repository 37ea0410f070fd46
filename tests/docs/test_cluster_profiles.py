"""The profiles that the page on clusters prints, in both languages, are ones that load."""

import re
from pathlib import Path

import pytest

from alexnet_study.cluster.profiles import load_profile

HEADINGS = {"clusters.md": "Profiles by example", "clusters.ko.md": "예로 보는 프로필"}


def printed(page: str) -> list[str]:
    """The YAML blocks of the page's section."""
    text = Path("docs", page).read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"\n## {HEADINGS[page]}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize("page", HEADINGS)
def test_every_profile_that_a_page_prints_loads(page: str, tmp_path: Path) -> None:
    assert len(printed(page)) == 5
    for number, block in enumerate(printed(page)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(block, encoding="utf-8")
        profile = load_profile(str(path))
        assert profile.launcher == "slurm"
        assert profile.gpus == 1


def test_both_languages_print_the_same_profiles() -> None:
    assert printed("clusters.md") == printed("clusters.ko.md")
