"""The claims tables of the results pages, in both languages, from a reference's report.

python -m documents.claims_tables --report results/reference/skip/report/report.md

Run it after `make reference`. The sentences around the tables are written by hand; tests/test_readme.py holds their
numbers to the reports'.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.files import write_atomically

REPORT = Path("results/reference/skip/report/report.md")
PAGES = Path("docs")
START = re.compile(r"^\| (?:claim \| ours|주장 \| 우리 결과)", re.MULTILINE)
HEAD = "| 주장 | 우리 결과 | n | p | 발표값 | 판정 |"

WORDS = {  # longer ones first, where one is part of another
    "1. The skip connection raises accuracy": "1. 스킵 연결은 정확도를 높인다",
    "2. It does markedly better on some classes": "2. 일부 클래스에서 뚜렷이 더 낫다",
    "3. Its feature space is more complex": "3. 특징 공간이 더 복잡하다",
    "(less variance in two components)": "(두 주성분의 분산이 작다)",
    "(more components for 90 % of the variance)": "(분산 90 %에 더 많은 성분)",
    "(higher participation ratio)": "(더 큰 participation ratio)",
    "4. Its generalisation gap is smaller": "4. 일반화 격차가 더 작다",
    "(the gap as published)": "(발표된 방식의 격차)",
    "(the gap of one set of weights)": "(같은 가중치로 잰 격차)",
    "5. Its training is more stable": "5. 학습이 더 안정적이다",
    "6. Neither model overfits": "6. 두 모델 모두 과적합하지 않는다",
    "7. Its features are richer under a linear regressor": "7. 선형 회귀기로 볼 때 특징이 더 풍부하다",
    "(published protocol)": "(발표된 절차)",
    "(closed form)": "(닫힌 형태)",
    " points beyond the mean gain; the gain itself ": " %p (평균 이득을 넘는 몫); 이득 자체는 ",
    "(the gain itself)": "(이득 자체)",
    "inside": "안",
    "outside": "밖",
    "lesioned": "제거",
    ", its sign isn't resolved": ", 부호는 판별되지 않음",
    ", above 0": ", 0보다 큼",
    ", below 0": ", 0보다 작음",
    "; margin ": "; 여유 ",
    "supported": "지지됨",
    "contradicted": "반증됨",
    " points": " %p",
}
NOT_RESOLVED = re.compile(
    r"not resolved at n = (\d+): ([\d.]+) % interval (\[.*?\]); resolves ([\d.]+) \(at most ([\d.]+)\)( points| nats|)"
    r"( off the margin|); the observed effect needs (?:(over )?([\d,]+) seeds)"
)
INTERIM = re.compile(r"interim at n = (\d+)")
ENGLISH = re.compile(r"\b(?:the|its|not|resolves|interim|seeds|claim|of|at)\b")


def claims_table(text: str) -> str:
    """Return the lines of a page's claims table; raise ValueError where it has none."""
    first = START.search(text)
    if first is None:
        raise ValueError("no claims table; expected a table that begins with claim and ours")
    return text[first.start() :].split("\n\n", 1)[0].rstrip("\n")


def korean(table: str) -> str:
    """Return the English table in Korean; raise ValueError that quotes a line with words that aren't known."""
    lines = [_korean_line(line) for line in table.splitlines()[1:]]
    for line in lines:
        if ENGLISH.search(line):
            raise ValueError(f"{line}: not all of it is known in Korean; expected its words in WORDS")
    return "\n".join([HEAD, *lines])


def with_table(page: str, table: str) -> str:
    """Return a page with another claims table in place of its own."""
    return page.replace(claims_table(page), table)


def pages(report: str) -> dict[Path, str]:
    """Return both results pages as the report makes them, by path."""
    table = claims_table(report)
    tables = {PAGES / "results.md": table, PAGES / "results.ko.md": korean(table)}
    return {path: with_table(path.read_text(encoding="utf-8"), own) for path, own in tables.items()}


def _korean_line(line: str) -> str:
    line = INTERIM.sub(r"중간 결과, n = \1", NOT_RESOLVED.sub(_not_resolved, line))
    for english, own in WORDS.items():
        line = line.replace(english, own)
    return line


def _not_resolved(match: re.Match[str]) -> str:
    n, level, interval, difference, upper, unit, off, over, seeds = match.groups()
    unit = " %p" if unit == " points" else unit
    count = f"{seeds}개 넘게" if over else f"{seeds}개"
    from_margin = "여유에서 " if off else ""
    return (
        f"n = {n}으로는 판별되지 않음: {level} % 구간 {interval}; {from_margin}{difference} (많아야 {upper})"
        f"{unit}부터 판별; 관측된 효과에는 시드 {count} 필요"
    )


def main(words: Sequence[str] | None = None) -> None:
    """Write both tables into their pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--report", type=Path, default=REPORT, metavar="FILE")
    report: str = parser.parse_args(words).report.read_text(encoding="utf-8")
    for path, text in pages(report).items():
        write_atomically(path, text.encode())
        print(path)


if __name__ == "__main__":
    main()
