"""Where the spread of accuracy comes from, and a second opinion on differences."""

from dataclasses import asdict

import numpy as np

from alexnet_study.report.collection import Collection
from alexnet_study.report.findings import Findings
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.section import Section, from_arrays
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import group_name, interval_text
from alexnet_study.report.statistics.estimates import Interval

TOP1 = "evaluations.intact.top1"


def section(material: Material) -> Section | None:
    """Return what the arrays say of the spread; None where they are absent."""
    collection, findings = material.collection, material.findings
    if findings is None:
        return None
    items = (spread(collection, findings), bootstrap(collection, findings))
    return from_arrays("spread", "Where the spread of accuracy comes from", items, kept=material.kept)


def spread(collection: Collection, findings: Findings) -> Table:
    """Return the spread of accuracy over seeds, split."""
    display = [
        {
            "variant": group_name(row.variant, row.evaluation),
            "sd over seeds, points": f"{100 * row.total**0.5:.2f}",
            "variance over seeds, points²": _squared(row.total),
            "of single test images": _squared(row.images),
            "of the seed as a whole": _squared(row.seeds),
            "n": row.n,
        }
        for row in findings.numbers.spread
    ]
    caption = (
        "Spread of test top-1 over n seeds: the part left were test images right or wrong independently of each "
        "other, and the rest, which a seed moves as a whole. A negative rest is shown as it is."
    )
    return table("spread", caption, map(asdict, findings.numbers.spread), display)


def bootstrap(collection: Collection, findings: Findings) -> Table:
    """Return a second opinion on differences of top-1."""
    rows = findings.numbers.bootstrap
    means = {
        group: np.mean(list(collection.values.of(group[0], TOP1, group[1]).values()))
        for group in collection.evaluations
    }
    display = []
    for row in rows:
        a, b = (row.variant, row.evaluation), (row.less_variant, row.less_evaluation)
        own = measure(TOP1)
        display.append(
            {
                "difference of test top-1": f"{group_name(row.variant, row.evaluation)} − {group_name(*b)}",
                "estimate, points": own.show(float(means[a] - means[b]), difference=True),
                "95 % bootstrap interval": interval_text(own, Interval(low=row.low, high=row.high), difference=True),
                "n": f"{row.n} seeds, {row.images} images",
            }
        )
    caption = (
        "Second opinion: crossed bootstrap, seeds and test images drawn again, images and seeds shared by all "
        "variants. Drawn from few seeds, its percentile interval is too narrow: the t interval is the one to quote."
    )
    return table("bootstrap", caption, map(asdict, rows), display)


def _squared(variance: float) -> str:
    return f"{1e4 * variance:.3f}".replace("-", "−")
