"""README says what the reference run says, in both languages."""

import math
import re
from pathlib import Path

REPORT = Path("results/reference/skip/report/report.md").read_text()
NUMBER = re.compile(r"[+−]?\d+\.\d+")


READMES = ("README.md", "README.ko.md")


def bold_paragraphs(name: str) -> list[str]:
    """The answer, and the answer to why."""
    return [part for part in Path(name).read_text().split("\n\n") if part.startswith("**")]


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
    paragraphs = [bold_paragraphs(name)[0] for name in READMES]
    english, korean = (sorted(NUMBER.findall(paragraph)) for paragraph in paragraphs)
    assert english == korean
    answer = REPORT.split("\n\n")[1]
    assert NUMBER.findall(answer)[:3] == NUMBER.findall(paragraphs[0])[:3]  # the difference and its interval


def test_the_answer_to_why_is_the_second_reports() -> None:
    report = Path("results/reference/why_jpeg/report/report.md").read_text()
    known = {number.lstrip("+−") for number in NUMBER.findall(report)} | {f"{math.log(10):.3f}"}
    for name in READMES:
        told = NUMBER.findall(bold_paragraphs(name)[1].rpartition("(")[0])  # in brackets: a run that isn't in it
        assert len(told) > 15
        assert {number.lstrip("+−") for number in told} <= known, name
