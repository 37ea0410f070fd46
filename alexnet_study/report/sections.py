"""A report's sections, in the order in which people read: the page and report.md show the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import matplotlib

from alexnet_study.report import (
    audit_tables,
    evidence_figures,
    figures,
    matrix_figures,
    run_tables,
    tables,
)
from alexnet_study.report.analysis import Analysis
from alexnet_study.report.drawing import STYLE, Picture
from alexnet_study.report.tables import Table

KEPT = "From the runs' arrays, which are not here: kept as they were found when the arrays were."
ABSENT = "This needs the runs' arrays, which are not here."


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, what is said under it, its tables and figures. kept: made from arrays that are no longer here."""

    name: str
    title: str
    text: tuple[str, ...] = ()
    items: tuple[Table | Picture, ...] = ()
    kept: bool = False

    @property
    def tables(self) -> list[Table]:
        """The tables among its items."""
        return [item for item in self.items if isinstance(item, Table)]

    @property
    def pictures(self) -> list[Picture]:
        """The figures among its items."""
        return [item for item in self.items if isinstance(item, Picture)]


def build_sections(analysis: Analysis) -> list[Section]:
    """All sections that the study has something for."""
    with matplotlib.rc_context(STYLE):
        return list(_sections(analysis))


def _sections(analysis: Analysis) -> Iterator[Section]:
    collection = analysis.collection
    several = len(collection.variants) > 1
    if analysis.verdicts:
        yield _claims(analysis)
    if analysis.figures:
        yield _published(analysis)
    yield Section(
        name="comparison",
        title="Comparison of variants",
        items=(
            figures.accuracy(analysis),
            tables.comparison(collection),
            *((tables.differences(collection),) if several else ()),
        ),
    )
    if analysis.findings:
        yield _spread(analysis)
    yield Section(
        name="learning-curves",
        title="Learning curves",
        items=(figures.learning_curves(analysis), tables.plateau(collection), tables.learning_curves(collection)),
    )
    difference = (matrix_figures.confusion_difference(analysis),) if several else ()
    yield Section(name="confusion", title="Confusion matrices", items=(matrix_figures.confusion(analysis), *difference))
    yield Section(
        name="recall", title="Recall of each class", items=(figures.recall(analysis), tables.recall(collection))
    )
    yield _features(analysis)
    yield Section(
        name="separability",
        title="Separability against depth",
        items=(figures.separability(analysis), tables.separability(collection)),
    )
    yield _calibration(analysis)
    yield Section(name="cost", title="Cost", items=(run_tables.cost(collection),))
    yield Section(name="runs", title="Runs", items=(run_tables.runs(collection),))
    yield Section(
        name="provenance", title="Provenance, and how to make it again", items=(run_tables.environment(collection),)
    )


def _claims(analysis: Analysis) -> Section:
    text = [
        "Supported or contradicted: the two-sided p, adjusted by Holm over all tests of the study, is under 0.05 "
        "with or against the claimed sign. Else it is not resolvable at this n; the difference beside it is the "
        "smallest that a single test of this n finds with 80 % power at the 5 % level. The unit is the run: n is a "
        "number of seeds. A claim of several parts has its number on each, and stands where all of them do."
    ]
    if not analysis.collection.published_pixels:
        text.append(
            "These runs saw a JPEG copy of the images; the published study saw the original pixels. Every verdict "
            "holds on the re-encoded copy."
        )
    items = (audit_tables.claims(analysis.verdicts), audit_tables.tests(analysis.verdicts))
    return Section(name="claims", title="The claims", text=tuple(text), items=items)


def _published(analysis: Analysis) -> Section:
    published = analysis.collection.study.published
    assert published is not None  # there are no figures without it
    text = [f"From {published.source}: {published.runs}."]
    if published.hypothesis:
        text.append(f"Hypothesis: {published.hypothesis}")
    if published.code_read_at:
        text.append(f"The published code was read in {published.code_read_at}.")
    lesion = (evidence_figures.evidence(analysis),) if evidence_figures.has_lesion_case(analysis) else ()
    vectors = (audit_tables.vectors(analysis.vectors),) if analysis.vectors else ()
    code = (audit_tables.code(published.code),) if published.code else ()
    items = (*lesion, audit_tables.programs(analysis.figures), *vectors, *code, audit_tables.figures(analysis.figures))
    return Section(name="published", title="The published figures", text=tuple(text), items=items)


def _spread(analysis: Analysis) -> Section:
    collection, findings = analysis.collection, analysis.findings
    assert findings is not None
    items = (run_tables.spread(collection, findings), run_tables.bootstrap(collection, findings))
    return _from_arrays("spread", "Where the spread of accuracy comes from", items, kept=findings.kept)


def _features(analysis: Analysis) -> Section:
    findings, name, title = analysis.findings, "features", "Feature space"
    if findings is None:
        return Section(name=name, title=title, text=(ABSENT,))
    items: list[Table | Picture] = [evidence_figures.pca_scatter(analysis, findings)] if findings.points else []
    items += [table(analysis.collection, findings) for table in (run_tables.procrustes, run_tables.alignment)]
    return _from_arrays(name, title, tuple(items), kept=findings.kept)


def _calibration(analysis: Analysis) -> Section:
    findings, name, title = analysis.findings, "calibration", "Calibration"
    if findings is None:
        return Section(name=name, title=title, text=(ABSENT,))
    items = (evidence_figures.calibration(analysis, findings), run_tables.calibration(analysis.collection, findings))
    return _from_arrays(name, title, items, kept=findings.kept)


def _from_arrays(name: str, title: str, items: tuple[Table | Picture, ...], *, kept: bool) -> Section:
    """A section whose tables without rows are left out."""
    full = tuple(item for item in items if not (isinstance(item, Table) and item.display.empty))
    return Section(name=name, title=title, text=(KEPT,) if kept else (), items=full, kept=kept)
