"""How many seeds a structural claim needs: what a study of n seeds would have said of the first claim's effect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scipy import special

from alexnet_study.report.audit.contrasts import Contrast, compare
from alexnet_study.report.collection import Collection
from alexnet_study.report.material import Material
from alexnet_study.report.measures import Measure, measure
from alexnet_study.report.rendering.picture import GREY, HUES, INK, NARROW, WIDE, Picture, picture
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import Row
from alexnet_study.report.statistics.estimates import LEVEL, POWER, Estimate, Interval, prediction
from alexnet_study.report.statistics.looks import ALPHA
from alexnet_study.report.statistics.resolving import seeds_needed
from alexnet_study.report.statistics.study_size import (
    Chances,
    modelled,
    resampled,
    standardised_effect,
    unpaired_pairs,
)
from alexnet_study.study.claims import Claim

SIZES = (1, 2, 3, 5, 10, 20)  # seeds of a study
ENOUGH = 10  # seeds to resample
EFFECTS = (0.005, 0.01, 0.02, 0.04, 0.08)  # true ones, as shares
CURVE = np.geomspace(0.004, 0.12, 40)
SHOWN = {  # of the chances, in words
    "sign": "right sign",
    "found": "effect found",
    "twofold": "overstated twofold",
    "twofold_if_found": "overstated twofold, of those that find it",
}


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The claim whose effect is taken as the truth, its runs, and the effect over the differences' standard deviation.

    more, less: values of the runs of the variant with the higher weight and of the other, by seed. level: two-sided, at
    which the study judges the claim among its others.
    """

    claim: Claim
    contrast: Contrast
    more: Sequence[float]
    less: Sequence[float]
    effect: float
    interval: Interval
    level: float

    @property
    def sd(self) -> float:
        """Return the standard deviation of the paired differences."""
        return float(np.std(self.contrast.values, ddof=1))

    @property
    def apart(self) -> float:
        """Return that of two runs whose seeds are not shared."""
        return math.hypot(float(np.std(self.more, ddof=1)), float(np.std(self.less, ddof=1)))


def section(material: Material) -> Section | None:
    """Return what n seeds would have said; None but for a first claim on two variants' shares with seeds enough."""
    basis = find_basis(material.collection, material.verdicts[0].level) if material.verdicts else None
    if basis is None:
        return None
    items = (draw(basis), tabulate(basis), tabulate_effects(basis))
    return Section(name="seeds", title="How many seeds does such a claim need?", text=sentences(basis), items=items)


def find_basis(collection: Collection, level: float = ALPHA) -> Basis | None:
    """Return the first claim's runs, where it compares a share of two variants over 10 seeds and its sign is clear."""
    claim = collection.study.claims[0]
    right = sorted(claim.variants.values()) == [-1, 1] and claim.direction and not claim.names_evaluations
    if not right or claim.over_classes or not measure(claim.metric).share:
        return None
    values = {variant: collection.values.of(variant, claim.metric) for variant in claim.variants}
    contrast = compare(claim.variants, values)
    if contrast is None or len(contrast.by_seed) < ENOUGH:
        return None
    interval = standardised_effect(contrast.values)
    if interval is None:
        return None
    less, more = (
        [values[name][seed] for seed in contrast.by_seed]
        for name in sorted(values, key=lambda own: claim.variants[own])
    )
    effect = abs(contrast.estimate.value) / float(np.std(contrast.values, ddof=1))
    return Basis(claim=claim, contrast=contrast, more=more, less=less, effect=effect, interval=interval, level=level)


def sentences(basis: Basis) -> tuple[str, ...]:
    """Return what one run of each, few seeds and many would have shown."""
    own, chances = measure(basis.claim.metric), {n: modelled(basis.effect, n) for n in SIZES}
    found = next((n for n in range(2, 1000) if modelled(basis.effect, n).found >= POWER), None)
    weakest = next((n for n in range(2, 1000) if modelled(basis.interval.low, n).found >= POWER), None)
    said = [
        f"Take the effect of claim {basis.claim.number} as it is estimated here, "
        f"{_shown(own, basis.contrast.estimate.value)} (n = {len(basis.contrast.by_seed)} seeds), for the truth. One "
        f"seed of both variants then has its sign right with probability {_percent(chances[1].sign)}, and can test "
        f"nothing. Three find it with probability {_percent(chances[3].found)}, five with "
        f"{_percent(chances[5].found)}, ten with {_percent(chances[10].found)}; "
        f"{_count(found)} do so with {100 * POWER:.0f} %"
        f" ({_count(weakest)}, were the effect at the lower end of its interval)."
    ]
    single, ends = modelled(basis.contrast.estimate.value / basis.apart, 1), _one_run_each(basis)
    if ends:
        low, high = (_shown(own, end) for end in (ends.low, ends.high))
        said.append(
            "Two single runs whose seeds are not shared, as published ones are, have the sign right with probability "
            f"{_percent(max(single.sign, 1 - single.sign))}; their difference lies between {low} and {high} in 95 % "
            "of cases, and nothing in it says how far off it is."
        )
    return tuple(said)


def tabulate(basis: Basis) -> Table:
    """Return the chances of studies of n seeds, of the model with their interval, and resampled."""
    rows: list[Row] = []
    display: list[Row] = []
    for n in SIZES:
        model, low, high = (modelled(own, n) for own in (basis.effect, basis.interval.low, basis.interval.high))
        drawn = resampled(basis.contrast.values, n)
        cells: Row = {"seeds": str(n)}
        for name, text in SHOWN.items():
            ends = sorted((getattr(low, name), getattr(high, name)), key=lambda value: (value is None, value))
            of = {"model": getattr(model, name), "low": ends[0], "high": ends[1], "resampled": getattr(drawn, name)}
            rows.append({"n": n, "paired": True, "chance": name, **of})
            cells[f"{text}, %"] = _cell(**of)
        here = modelled(basis.effect, n, basis.level).found
        rows.append({"n": n, "paired": True, "chance": "found_among_all_claims", "model": here})
        cells["found among all claims, %"] = _bare(here)
        display.append(cells)
    single = _single(basis)
    drawn = resampled(unpaired_pairs(basis.more, basis.less), 1)
    cells = {"seeds": "1, not shared"}
    for name, text in SHOWN.items():
        of = {"model": getattr(single, name), "low": None, "high": None, "resampled": getattr(drawn, name)}
        rows.append({"n": 1, "paired": False, "chance": name, **of})
        cells[f"{text}, %"] = _cell(**of)
    display.insert(1, {**cells, "found among all claims, %": _bare(single.found)})
    caption = (
        f"What a study of n seeds of both variants says of the effect of claim {basis.claim.number}: probabilities "
        "under normal paired differences [95 % interval, from that of the effect in standard deviations, "
        f"{basis.effect:.2f} [{basis.interval.low:.2f}, {basis.interval.high:.2f}], exact by the noncentral t]; "
        f"resampled: drawn with replacement from the {len(basis.contrast.by_seed)} seeds. Found: right in sign, and p "
        "of the t test under 0.05, the claim being the study's only one. Overstated twofold: the estimate is at least "
        f"twice the effect. Among all claims: at {basis.level:.2g}, the level at which this study judges it. Not "
        "shared: single runs of two seeds."
    )
    return table("seeds", caption, rows, display)


def tabulate_effects(basis: Basis) -> Table:
    """Return the seeds that effects of several sizes need, and how often one seed has their sign right."""
    rows: list[Row] = []
    display: list[Row] = []
    ends = sd_interval(basis)
    for effect in EFFECTS:
        seeds, fewest, most = (needed(effect, sd, basis) for sd in (basis.sd, ends.low, ends.high))
        sign = modelled(effect / basis.sd, 1).sign
        apart = modelled(effect / basis.apart, 1).sign
        rows.append(
            {"effect": effect, "seeds": seeds, "low": fewest, "high": most, "sign": sign, "sign_not_shared": apart}
        )
        display.append(
            {
                "true effect, points": f"{100 * effect:.1f}",
                f"seeds for {100 * POWER:.0f} % power": f"{_count(seeds)} [{_count(fewest)}, {_count(most)}]",
                "right sign with one seed, %": _bare(sign),
                "right sign with single runs, seeds not shared, %": _bare(apart),
            }
        )
    own = measure(basis.claim.metric)
    caption = (
        f"Seeds that effects of other sizes need, were their paired differences to spread as these do, by "
        f"{own.show(basis.sd)} points [{own.show(ends.low)}, {own.show(ends.high)}] (standard deviation with 95 % "
        "interval under normality): both variants with each seed, two-sided t test at 0.05, one claim."
    )
    return table("seeds_by_effect", caption, rows, display)


def sd_interval(basis: Basis, level: float = LEVEL) -> Interval:
    """Return the interval of the differences' standard deviation: (n − 1) s²/σ² is χ² with n − 1 degrees of freedom."""
    df = len(basis.contrast.by_seed) - 1
    low, high = (
        basis.sd * math.sqrt(df / float(special.chdtri(df, tail))) for tail in ((1 - level) / 2, (1 + level) / 2)
    )
    return Interval(low=low, high=high)


def needed(effect: float, sd: float, basis: Basis) -> int | None:
    """Return how many seeds find an effect with 80 % power in a two-sided t test at 0.05."""
    n = len(basis.contrast.by_seed)
    return seeds_needed(Estimate(value=effect, n=n, error=sd / math.sqrt(n), df=n - 1), ALPHA)


def draw(basis: Basis) -> Picture:
    """Draw the chances against the number of seeds, and the seeds needed against the size of the true effect."""
    wide, narrow = Figure(figsize=(WIDE, 3.4)), Figure(figsize=(NARROW, 6.6))
    for figure, axes in ((wide, wide.subplots(1, 2)), (narrow, narrow.subplots(2, 1))):
        _chances(axes[0], basis)
        figure.legend(loc="outside upper left", ncols=1 if figure is narrow else 3, frameon=False, handlelength=1.5)
        _needed(axes[1], basis)
    n = len(basis.contrast.by_seed)
    caption = (
        f"How many seeds? Left, or above: what a study of n seeds says of the effect of claim {basis.claim.number}, "
        f"{_shown(measure(basis.claim.metric), basis.contrast.estimate.value)}: lines and 95 % bands under normal "
        f"differences, rings resampled from the {n} seeds. Right, or below: the seeds that a smaller effect needs, for "
        "80 % power at 0.05, at the same spread [95 % band]; ● this effect."
    )
    texts = [
        f"{own.n}: sign {_percent(own.sign)}, found {_percent(own.found)}, overstated twofold {_percent(own.twofold)}"
        for own in (modelled(basis.effect, n) for n in SIZES)
    ]
    rows = [
        {"n": n, **{f"{kind}_{name}": getattr(own, name) for kind, own in of.items() for name in SHOWN}}
        for n in SIZES
        for of in [{"model": modelled(basis.effect, n), "resampled": resampled(basis.contrast.values, n)}]
    ]
    alt = f"Chances by the number of seeds. {'; '.join(texts)}."
    return picture(wide, "seeds", caption=caption, alt=alt, data=pd.DataFrame(rows), narrow=narrow)


def _chances(axes: Axes, basis: Basis) -> None:
    sizes = range(1, SIZES[-1] + 1)
    for hue, name in zip(HUES, ("sign", "found", "twofold"), strict=False):
        model, low, high = (
            [100 * getattr(modelled(own, n), name) for n in sizes]
            for own in (basis.effect, basis.interval.low, basis.interval.high)
        )
        axes.fill_between(sizes, low, high, color=hue, alpha=0.18, linewidth=0)
        axes.plot(sizes, model, color=hue, linewidth=2, label=SHOWN[name])
        drawn = [100 * getattr(resampled(basis.contrast.values, n), name) for n in SIZES]
        axes.plot(SIZES, drawn, color=hue, marker="o", markerfacecolor="none", linestyle="none", markersize=5)
    axes.set(xscale="log", xlabel="seeds of both variants", ylabel="probability, %", ylim=(-3, 103))
    axes.set_xticks(SIZES, [str(n) for n in SIZES])
    axes.xaxis.set_minor_locator(NullLocator())


def _needed(axes: Axes, basis: Basis) -> None:
    ends = sd_interval(basis)
    curves = [[needed(effect, sd, basis) or math.nan for effect in CURVE] for sd in (ends.low, basis.sd, ends.high)]
    axes.fill_between(100 * CURVE, curves[0], curves[2], color=GREY, alpha=0.25, linewidth=0)
    axes.plot(100 * CURVE, curves[1], color=INK, linewidth=2)
    effect = abs(basis.contrast.estimate.value)
    if (seeds := needed(effect, basis.sd, basis)) is not None:
        axes.plot(100 * effect, seeds, marker="o", color=INK, markersize=7)
    axes.set(xscale="log", yscale="log", xlabel="true effect, points", ylabel=f"seeds for {100 * POWER:.0f} % power")
    axes.set_xticks([0.5, 1, 2, 4, 8], ["½", "1", "2", "4", "8"])
    axes.set_yticks([2, 5, 10, 20, 50, 100, 300], ["2", "5", "10", "20", "50", "100", "300"])
    axes.set(xlim=(0.4, 12), ylim=(1.8, None))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())


def _single(basis: Basis) -> Chances:
    return modelled(abs(basis.contrast.estimate.value) / basis.apart, 1)


def _one_run_each(basis: Basis) -> Interval | None:
    return prediction([(1.0, basis.more), (-1.0, basis.less)])


def _cell(*, model: float | None, low: float | None, high: float | None, resampled: float | None) -> str:
    if model is None:
        return "–"
    ends = f" [{_bare(low)}, {_bare(high)}]" if low is not None and high is not None else ""
    return f"{_bare(model)}{ends}; resampled {_bare(resampled)}"


def _bare(chance: float | None) -> str:
    """Return a probability in %; never 0 or 100, which no model says, but of n = 1, which has no test."""
    if chance is None:
        return "–"
    if 0 < chance < 5e-4 or 1 - 5e-4 < chance < 1:
        return "< 0.1" if chance < 0.5 else "> 99.9"
    return f"{100 * chance:.1f}"


def _percent(chance: float) -> str:
    return f"{_bare(chance)} %"


def _shown(own: Measure, value: float) -> str:
    return f"{own.show(value, difference=True)} points"


def _count(seeds: int | None) -> str:
    return "more than 100,000" if seeds is None else str(seeds)
