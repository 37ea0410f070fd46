"""Tidy tables: an observation a row in CSV, at full precision, and a compact form for readers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from alexnet_study.files import write_atomically

LATEX = {
    "\\": r"\textbackslash{}",
    "%": r"\%",
    "_": r"\_",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
} | {
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}
SYMBOLS = {"−": "$-$", "±": r"$\pm$", "×": r"$\times$", "Σ": r"$\Sigma$", "λ": r"$\lambda$", "²": r"$^2$", "–": "--"}

EMPTY = {"–", ""}
NUMBER = re.compile(r"(< )?[+−]?\d[\d.,]*( \[[^\]]*\]| \([^)]*\))?( \(n = \d+\))?")
STOP = re.compile(r"[:,;] |\. |\.$")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A tidy frame, and the strings that readers see.

    notes: what the page says under each row's first cell. links: what that cell leads to, from the report's folder.
    marks: of each row, what the page marks the last cell as.
    """

    name: str
    caption: str
    tidy: pd.DataFrame
    display: pd.DataFrame
    notes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the caption's beginning, up to its first stop."""
        return STOP.split(self.caption)[0].removesuffix(".")

    @property
    def numeric(self) -> list[bool]:
        """Return of each column whether it is of numbers alone, with or without intervals, which align at the right."""
        columns = [[str(cell) for cell in self.display.iloc[:, at]] for at in range(self.display.shape[1])]
        return [
            all(cell in EMPTY or NUMBER.fullmatch(cell) for cell in cells) and not set(cells) <= EMPTY
            for cells in columns
        ]

    def markdown(self) -> str:
        """Return the compact form as a Markdown table."""
        rows = [list(self.display.columns), ["---"] * self.display.shape[1], *self.display.values.tolist()]
        return "".join(f"| {' | '.join(map(_markdown, row))} |\n" for row in rows)

    def latex(self) -> str:
        """Return the compact form as a LaTeX tabular."""
        escaped = self.display.rename(columns=_escape).map(_escape)
        return str(escaped.to_latex(index=False, escape=False))

    def write(self, folder: Path, *, display: bool = True) -> None:
        """Write NAME.csv in `folder` and, if `display`, the compact form as NAME.md and NAME.tex."""
        contents = {"csv": self.tidy.to_csv(index=False)}
        if display:
            contents |= {"md": self.markdown(), "tex": self.latex()}
        for ending, text in contents.items():
            write_atomically(folder / f"{self.name}.{ending}", text.encode())


def table(
    name: str, caption: str, tidy: Iterable[Mapping[str, object]], display: Iterable[Mapping[str, object]]
) -> Table:
    """Return a table made of its rows."""
    return Table(name=name, caption=caption, tidy=pd.DataFrame(list(tidy)), display=pd.DataFrame(list(display)))


def _markdown(cell: object) -> str:
    """Return a cell that can't end its row or its column."""
    return " ".join(str(cell).splitlines()).replace("|", "\\|")


def _escape(text: object) -> str:
    return "".join({**LATEX, **SYMBOLS}.get(letter, letter) for letter in str(text))
