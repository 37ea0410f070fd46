"""All that a report says, worked out once; its sections are made of it."""

from dataclasses import dataclass
from pathlib import Path

from alexnet_study.report import findings
from alexnet_study.report.array_pass import hashes, read_arrays
from alexnet_study.report.audit.beside import Beside, read_beside
from alexnet_study.report.audit.published import FigureCheck, VectorCheck, check_figures, check_vectors
from alexnet_study.report.audit.verdicts import Verdict, judge
from alexnet_study.report.collection import Collection
from alexnet_study.report.findings import Findings
from alexnet_study.report.underway import Underway


@dataclass(frozen=True, kw_only=True)
class Material:
    """The runs, the claims judged, the published figures checked, what the arrays say (None where nothing is known).

    kept: the arrays are absent, and what they say is what an earlier report kept. results: the root of the runs.
    beside: the study that the study file names to be set beside; None where it names none.
    underway: the runs that are not finished; None where nobody asked for them.
    """

    collection: Collection
    verdicts: list[Verdict]
    published_figures: list[FigureCheck]
    published_vectors: list[VectorCheck]
    findings: Findings | None
    kept: bool
    results: Path
    beside: Beside | None
    underway: Underway | None = None


def gather(collection: Collection, report: Path, underway: Underway | None = None) -> Material:
    """Return all of it.

    report: the report's folder, where the findings of absent arrays may have been kept; studies lie two folders above.
    """
    kept = not collection.has_arrays
    return Material(
        collection=collection,
        verdicts=judge(collection),
        published_figures=check_figures(collection),
        published_vectors=check_vectors(collection),
        findings=findings.read(report / findings.FILE, hashes(collection)) if kept else read_arrays(collection),
        kept=kept,
        results=report.parent.parent,
        beside=read_beside(collection, report.parent.parent),
        underway=underway,
    )
