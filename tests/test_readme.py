"""README says what the reference run says, in both languages."""

import re
from pathlib import Path

REPORT = Path("results/reference/skip/report/report.md").read_text()
NUMBER = re.compile(r"[+−]?\d+\.\d+")


def claims_table(text: str) -> list[str]:
    """The lines of the first table whose second column is ours."""
    start = next(match.start() for match in re.finditer(r"^\| (claim \| ours|주장 \| 우리 결과)", text, re.MULTILINE))
    return text[start : text.index("\n\n", start)].splitlines()


def test_the_claims_table_is_the_reports() -> None:
    assert claims_table(Path("README.md").read_text()) == claims_table(REPORT)


def test_the_korean_claims_table_has_the_same_numbers() -> None:
    ours, theirs = claims_table(Path("README.ko.md").read_text()), claims_table(REPORT)
    assert [NUMBER.findall(line) for line in ours[2:]] == [NUMBER.findall(line) for line in theirs[2:]]
    assert [": 안" in line for line in ours[2:]] == [": inside" in line for line in theirs[2:]]
    assert ["지지됨" in line for line in ours[2:]] == ["supported" in line for line in theirs[2:]]


def test_both_languages_give_the_same_answer() -> None:
    paragraphs = [
        next(p for p in Path(name).read_text().split("\n\n") if p.startswith("**"))
        for name in ("README.md", "README.ko.md")
    ]
    english, korean = ([float(n.replace("−", "-")) for n in NUMBER.findall(p)] for p in paragraphs)
    assert sorted(english) == sorted(korean)
    answer = REPORT.split("\n\n")[1]
    assert NUMBER.findall(answer)[:3] == NUMBER.findall(paragraphs[0])[:3]  # the difference and its interval
