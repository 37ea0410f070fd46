"""All that a report says, worked out once; its sections are made of it."""

from dataclasses import dataclass
from pathlib import Path

from alexnet_study.report import array_pass
from alexnet_study.report.array_pass import Findings
from alexnet_study.report.audit.published import FigureCheck, VectorCheck, check_figures, check_vectors
from alexnet_study.report.audit.verdicts import Verdict, judge
from alexnet_study.report.collection import Collection


@dataclass(frozen=True, kw_only=True)
class Material:
    """The runs, the claims judged, the published figures checked, what the arrays say (None where they are absent)."""

    collection: Collection
    verdicts: list[Verdict]
    published_figures: list[FigureCheck]
    published_vectors: list[VectorCheck]
    findings: Findings | None


def gather(collection: Collection, report: Path) -> Material:
    """Return all of it; `report` is the folder where the findings of absent arrays may have been kept."""
    return Material(
        collection=collection,
        verdicts=judge(collection),
        published_figures=check_figures(collection),
        published_vectors=check_vectors(collection),
        findings=array_pass.find(collection, report),
    )
