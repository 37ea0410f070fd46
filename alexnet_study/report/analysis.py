"""Everything a report says, worked out once; tables, figures, pages and report.json are made from it."""

from dataclasses import dataclass
from pathlib import Path

from alexnet_study.report import arrays
from alexnet_study.report.arrays import Findings
from alexnet_study.report.collect import Collection
from alexnet_study.report.published import FigureCheck, VectorCheck, check_figures, check_vectors
from alexnet_study.report.verdicts import Verdict, judge


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The runs, the claims judged, the published figures checked, what the arrays say (None where they are absent)."""

    collection: Collection
    verdicts: list[Verdict]
    figures: list[FigureCheck]
    vectors: list[VectorCheck]
    findings: Findings | None


def analyse(collection: Collection, report: Path) -> Analysis:
    """All of it; `report` is the folder where findings of absent arrays may have been kept."""
    return Analysis(
        collection=collection,
        verdicts=judge(collection),
        figures=check_figures(collection),
        vectors=check_vectors(collection),
        findings=arrays.find(collection, report),
    )
