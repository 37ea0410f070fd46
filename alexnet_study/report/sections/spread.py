"""Where the spread of accuracy comes from, differences for other images too, and how much two runs differ."""

import dataclasses
from dataclasses import asdict

from alexnet_study.report.findings import Findings
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.section import Section, from_arrays
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import group_name, interval_text
from alexnet_study.report.statistics.estimates import Interval

OLDER = "Differences for other images, and churn: –; they need at least two runs whose arrays are here."
TOP1 = "evaluations.intact.top1"


def section(material: Material) -> Section | None:
    """Return what the arrays say of the spread; None where they are absent."""
    findings = material.findings
    if findings is None:
        return None
    items = (spread(findings), crossed(findings), churn(findings))
    made = from_arrays("spread", "Where the spread of accuracy comes from", items, kept=material.kept)
    return made if findings.numbers.churn else dataclasses.replace(made, text=(*made.text, OLDER))


def spread(findings: Findings) -> Table:
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


def crossed(findings: Findings) -> Table:
    """Return differences of top-1 for other seeds and other test images."""
    own = measure(TOP1)
    display = [
        {
            "difference of test top-1": f"{group_name(row.variant, row.evaluation)} − "
            f"{group_name(row.less_variant, row.less_evaluation)}",
            "estimate, points": own.show(row.value, difference=True),
            "95 % interval": interval_text(own, Interval(low=row.low, high=row.high), difference=True),
            "variance of the mean: seeds, points²": _squared(row.seeds),
            "images, points²": _squared(row.images),
            "n": f"{row.n} seeds, {row.images_n} images",
        }
        for row in findings.numbers.crossed
    ]
    caption = (
        "Differences for other seeds and other test images: the t interval over the n seeds that both have, widened by "
        "the images' variance. The t interval over seeds, for these images, is what the claims use."
    )
    return table("crossed", caption, map(asdict, findings.numbers.crossed), display)


def churn(findings: Findings) -> Table:
    """Return on how many images two runs differ in being right, and κ."""
    display = [
        {
            "runs of": group_name(row.variant, row.evaluation)
            if (row.variant, row.evaluation) == (row.other_variant, row.other_evaluation)
            else f"{group_name(row.variant, row.evaluation)} and {group_name(row.other_variant, row.other_evaluation)}",
            "differ on, % of images": _with_ends(row.disagreement, row.disagreement_low, row.disagreement_high, 100),
            "κ": _with_ends(row.kappa, row.kappa_low, row.kappa_high, 1),
            "n": row.n,
        }
        for row in findings.numbers.churn
    ]
    caption = (
        "Churn: the share of test images that one run gets right and another, of another seed, wrong, and Cohen's κ of "
        "right or wrong (1: alike, 0: as by chance); means over all pairs of different seeds [95 % t interval over n "
        "seeds, by the jackknife], for these images."
    )
    return table("churn", caption, map(asdict, findings.numbers.churn), display)


def _with_ends(value: float | None, low: float | None, high: float | None, scale: float) -> str:
    digits = 1 if scale == 100 else 3
    if value is None:
        return "–"
    text = f"{scale * value:.{digits}f}"
    ends = "" if low is None or high is None else f" [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"
    return f"{text}{ends}".replace("-", "−")


def _squared(variance: float) -> str:
    return f"{1e4 * variance:.3f}".replace("-", "−")
