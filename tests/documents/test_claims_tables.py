"""The claims tables of the results pages are what the command makes of the reference's report."""

import re
from pathlib import Path

import pytest

from documents import claims_tables
from documents.claims_tables import REPORT, claims_table, korean, main, pages

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def test_the_committed_pages_are_what_the_command_writes() -> None:
    for path, text in pages(REPORT.read_text()).items():
        assert path.read_text() == text, "python -m documents.claims_tables writes it anew"


def test_the_command_writes_the_tables_of_another_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("results.md", "results.ko.md"):
        (tmp_path / name).write_text(Path("docs", name).read_text())
    monkeypatch.setattr(claims_tables, "PAGES", tmp_path)
    other = tmp_path / "report.md"
    other.write_text(
        REPORT.read_text().replace(
            "| 1. The skip connection raises accuracy | +", "| 1. The skip connection raises accuracy | +9"
        )
    )
    main(["--report", str(other)])
    first = re.search(r"raises accuracy \| (\S+)", other.read_text())
    assert first is not None
    for name in ("results.md", "results.ko.md"):
        written, before = (tmp_path / name).read_text(), Path("docs", name).read_text()
        assert f"| {first[1]} " in written
        assert written.replace(claims_table(written), "") == before.replace(claims_table(before), "")


@pytest.mark.parametrize(
    "cell",
    [
        "supported",
        "contradicted",
        "interim at n = 3",
        "supported; margin 0.05 nats, below 0",
        "not resolved at n = 5: 99.8 % interval [−2.53, +0.46]; resolves 1.93 (at most 4.58) points off the margin; "
        "the observed effect needs over 100,000 seeds",
        "not resolved at n = 5: 99.8 % interval [−2.53, +0.46]; resolves 1.93 (at most 4.58); the observed effect "
        "needs 10 seeds",
    ],
)
def test_every_verdict_is_said_in_korean_with_its_numbers(cell: str) -> None:
    english = (
        f"| claim | ours | n | p | published | verdict |\n| --- | --- |\n| 5. Its training is more stable | {cell} |"
    )
    line = korean(english).splitlines()[-1]
    assert sorted(NUMBER.findall(line)) == sorted(NUMBER.findall(english.splitlines()[-1]))
    assert re.search("[가-힣]", line.split("|")[2])


def test_a_word_without_korean_is_an_error_that_quotes_its_line() -> None:
    with pytest.raises(ValueError, match=r"9\. The moon is cheese"):
        korean("| claim | ours |\n| --- | --- |\n| 9. The moon is cheese, of the best | supported |")


def test_a_page_without_a_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="no claims table"):
        claims_table("# Nothing\n\nhere")
