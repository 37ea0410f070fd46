"""Two studies of the same variants side by side: does a verdict change, and how far do the figures move?"""

from collections.abc import Mapping, Sequence

from alexnet_study.report.audit.beside import Beside
from alexnet_study.report.audit.contrasts import by_seed
from alexnet_study.report.audit.verdicts import Verdict
from alexnet_study.report.collection import Collection, described_data
from alexnet_study.report.material import Material
from alexnet_study.report.measures import measure
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table
from alexnet_study.report.rendering.text import (
    Row,
    estimate_columns,
    estimate_text,
    fewer,
    group_name,
    label,
)
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Estimate

RECALL = "evaluations.intact.recall"


def section(material: Material) -> Section | None:
    """Return both studies' verdicts and the differences of their figures; None where the study names no other."""
    beside, own = material.beside, material.collection
    if beside is None:
        return None
    title = f"Beside study {beside.name}"
    other = beside.collection
    if other is None:
        return Section(name="beside", title=title, text=(f"No finished run of study {beside.name} lies beside these.",))
    unlike = beside.unlike(own)
    text = [
        f"The same variants, judged by the same claims: this study on {described_data(own)}, {beside.name} on "
        f"{described_data(other)}."
    ]
    if unlike:
        text.append(f"Left out: {'; '.join(f'{name} ({reason})' for name, reason in unlike.items())}.")
    pairs = [
        (here, there)
        for here, there in zip(material.verdicts, beside.verdicts, strict=True)
        if not set(here.claim.variants) & set(unlike)
    ]
    if pairs:
        text.append(_changes(pairs))
    items = [claims(beside, own, pairs)] if pairs else []
    seeds = {run.seed for run in own.runs} & {run.seed for run in other.runs}
    variants = [name for name in own.variants if name not in unlike]
    if seeds and variants:
        items.append(figures(own.of_seeds(seeds), other.of_seeds(seeds), variants, beside.name))
    return Section(name="beside", title=title, text=tuple(text), items=tuple(items))


def _changes(pairs: Sequence[tuple[Verdict, Verdict]]) -> str:
    changed = [
        f"{here.claim.label} ({here.outcome} here, {there.outcome} there)"
        for here, there in pairs
        if here.outcome != there.outcome
    ]
    return f"Of {len(pairs)} verdicts on direction {len(changed)} differ{': ' if changed else ''}{'; '.join(changed)}."


def claims(beside: Beside, own: Collection, pairs: Sequence[tuple[Verdict, Verdict]]) -> Table:
    """Return each claim's estimate and verdict in both studies."""
    display, rows = [], []
    for here, there in pairs:
        cells: Row = {"claim": here.claim.label}
        for name, verdict in ((own.study.name, here), (beside.name, there)):
            shown = estimate_text(verdict.measure, verdict.estimate, difference=verdict.difference)
            cells |= {name: f"{shown} (n = {verdict.n})", f"verdict, {name}": verdict.verdict}
            columns = estimate_columns(verdict.estimate) if verdict.estimate else {}
            at = {"study": name, "claim": here.claim.id, "metric": here.claim.metric, "outcome": verdict.outcome}
            rows.append({**at, **columns, "adjusted_p": verdict.adjusted_p, "verdict": verdict.verdict})
        display.append({**cells, "same direction": "yes" if here.outcome == there.outcome else "no"})
    caption = (
        "This study's claims in both: estimate [95 % t interval] over n seeds, and the verdict at each one's last look."
    )
    return table("beside_claims", caption, rows, display)


def figures(own: Collection, other: Collection, variants: Sequence[str], name: str) -> Table:
    """Return how far each figure moves, this study's less the other's, paired by seed.

    Of each variant and evaluation, and of each later variant's intact difference from the first. Both collections are
    of the same seeds, as some values compare a run with the others.
    """
    paths = list(own.measures)
    if own.classes == other.classes:
        paths += [path for own_class in own.classes if (path := f"{RECALL}.{own_class}") not in paths]
    first, *later = variants
    groups: list[tuple[str, Mapping[str, float], str]] = [
        (group_name(variant, evaluation), {variant: 1.0}, evaluation)
        for variant, evaluation in own.evaluations
        if variant in variants and (variant, evaluation) in other.evaluations
    ]
    groups += [(f"{variant} − {first}", {variant: 1.0, first: -1.0}, "intact") for variant in later]
    rows: list[Row] = []
    display: list[Row] = [{"figure": label(measure(path), difference=True)} for path in paths]
    for heading, weights, evaluation in groups:
        moves = [_move(own, other, weights, path, evaluation) for path in paths]
        n = max((move.n for move in moves if move), default=0)
        for cells, path, move in zip(display, paths, moves, strict=True):
            shown = estimate_text(measure(path), move, difference=True)
            cells[f"{heading} (n = {n})"] = shown + fewer(move, n)
            if move:
                at = {"of": heading, "evaluation": evaluation, "metric": path, "less_study": name}
                rows.append({**at, **estimate_columns(move)})
    caption = (
        f"How far the figures move: this study less {name}, mean [95 % t interval] of the differences paired by seed, "
        "over the n seeds that both have. One interval at a time; no correction for their number."
    )
    return table("beside_figures", caption, rows, display)


def _move(
    own: Collection, other: Collection, weights: Mapping[str, float], path: str, evaluation: str
) -> Estimate | None:
    """Return the difference of the two studies, paired by seed; None where no seed has the figure in both."""
    here, there = (
        by_seed(weights, {variant: found.values.of(variant, path, evaluation) for variant in weights})
        for found in (own, other)
    )
    differences = list(by_seed({"here": 1.0, "there": -1.0}, {"here": here, "there": there}).values())
    return estimates.mean(differences) if differences else None
