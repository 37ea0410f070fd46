"""A section of a report: what a topic says, in words, tables and pictures."""

from dataclasses import dataclass

from alexnet_study.report.rendering.picture import Picture
from alexnet_study.report.rendering.table import Table

KEPT = "From the runs' arrays, which are not here: kept as they were found when the arrays were."
ABSENT = "This needs the runs' arrays, which are not here."


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, what is said under it, its tables and pictures.

    method: how it was worked out, which the page folds. kept: made from arrays that are no longer here.
    commands: lines of a shell, each with a sentence that leads to it.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    items: tuple[Table | Picture, ...] = ()
    kept: bool = False
    commands: tuple[tuple[str, str], ...] = ()

    @property
    def tables(self) -> list[Table]:
        """Return the tables among its items."""
        return [item for item in self.items if isinstance(item, Table)]

    @property
    def pictures(self) -> list[Picture]:
        """Return the pictures among its items."""
        return [item for item in self.items if isinstance(item, Picture)]


def from_arrays(name: str, title: str, items: tuple[Table | Picture, ...], *, kept: bool) -> Section:
    """Return a section of what the arrays say, without tables that have no rows."""
    full = tuple(item for item in items if not (isinstance(item, Table) and item.display.empty))
    return Section(name=name, title=title, text=(KEPT,) if kept else (), items=full, kept=kept)
