"""The runs that were on their way, or had failed, when the page was made: the numbers are of the others alone."""

from alexnet_study.report.material import Material
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.underway import Underway

NAME = "underway"
REFRESHED = (
    "The page does not change by itself: make report makes it anew, of the runs that are finished by then. "
    "make status PAGE=1 WATCH=1 keeps a page of the states alone, status.html beside this report's folder, up to date."
)


def section(material: Material) -> Section | None:
    """Return each unfinished run's state and what is known of it; None where all that began are finished."""
    underway = material.underway
    if underway is None or not underway.runs:
        return None
    said = f"As of {underway.time}. The numbers of this report are of the finished runs alone."
    return Section(
        name=NAME,
        title="Runs that are not finished",
        text=(said, *underway.notes, REFRESHED),
        items=(tabulate(underway),),
    )


def tabulate(underway: Underway) -> Table:
    """Return a row for each unfinished run."""
    rows = [{"variant": r.variant, "seed": r.seed, "state": r.state, "what": r.detail} for r in underway.runs]
    display = [{"run": f"{r.variant}/seed-{r.seed}", "state": r.state, "what": r.detail} for r in underway.runs]
    return table(NAME, f"Runs that were not finished when this page was made: {len(rows)}.", rows, display)
