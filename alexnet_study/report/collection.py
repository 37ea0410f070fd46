"""Find a study's run folders, keep those that belong together, and name every other with the reason.

All values go into one table (report/values.py), and what follows reads that. Of the arrays, report/array_pass.py keeps
what it needs, run by run.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet_study.errors import DamagedRunError
from alexnet_study.report.alike import LeftOut, alike, missing
from alexnet_study.report.applicability import DataFacts, Inapplicable, applicable, inapplicable
from alexnet_study.report.flags import (
    departures,
    few,
    held_out,
    is_on_other_data,
    is_unbalanced,
    majority,
    mixtures,
    of_data,
)
from alexnet_study.report.measures import (
    BALANCED_ACCURACY,
    MEASURES,
    Measure,
    analysis_of,
    curve_deviations,
    measure,
)
from alexnet_study.report.run import Run, read_run
from alexnet_study.report.values import CONFUSION, RUN, RunValues, Values
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.metrics import parse_group
from alexnet_study.study.study import Study

REFERENCE = "reference.json"  # in a study's folder: its runs were committed without their arrays
CURVE = "epochs.test_top1"


@dataclass(frozen=True, kw_only=True)
class Collection:
    """The runs of a study that are finished and alike in all but the seed, the others, and what readers should know.

    study: with those of its claims and published figures that these data can judge; the others are inapplicable.
    has_arrays: the predictions of every run are here; what compares features is left to the runs that have them.
    """

    study: Study
    runs: tuple[Run, ...]
    values: Values
    left_out: tuple[LeftOut, ...]
    flags: tuple[str, ...]
    has_arrays: bool
    inapplicable: tuple[Inapplicable, ...] = ()

    @property
    def variants(self) -> list[str]:
        """Return the variants with at least one run, in the study's order."""
        return [name for name in self.study.variants if any(run.variant == name for run in self.runs)]

    @property
    def title(self) -> str:
        """Return the study's question, which may name its data, and of what data the runs are where that is another."""
        source = self.runs[0].provenance.source
        other = f" Asked of {source.name}." if is_on_other_data(self.study, source) else ""
        return f"{self.study.question or self.study.name}{other}"

    @property
    def home(self) -> Path:
        """Return the study's folder, in which the runs lie."""
        return self.runs[0].folder.path.parent.parent

    def of(self, variant: str) -> list[Run]:
        """Return the runs of a variant, by seed."""
        return sorted((run for run in self.runs if run.variant == variant), key=lambda run: run.seed)

    @property
    def classes(self) -> list[str]:
        """Return the classes' names in label order."""
        return list(self.runs[0].classes)

    @property
    def class_sizes(self) -> NDArray[np.float64]:
        """Return how many test images each class has (C,), the same for all runs."""
        first = self.runs[0]
        return self.values.vectors(first.variant, CONFUSION.format("intact"))[first.seed].sum(1)

    @property
    def measures(self) -> dict[str, Measure]:
        """Return the measures that tables show: of what the study measures; balanced accuracy where it isn't top-1."""
        hidden = set() if is_unbalanced(self.class_sizes) else {BALANCED_ACCURACY}
        return {
            path: own
            for path, own in MEASURES.items()
            if path not in hidden and analysis_of(path) in self.study.measure
        }

    @property
    def test_images(self) -> int:
        """Return N, the same for all runs."""
        return int(self.class_sizes.sum())

    def trials(self, own: Measure) -> float:
        """Return of how many test images a measure is a share; infinite where it is none of images."""
        if not own.of_images:
            return math.inf
        return float(self.class_sizes[self.classes.index(own.of_class)] if own.of_class else self.class_sizes.sum())

    def of_seeds(self, seeds: Iterable[int]) -> "Collection":
        """Return the same of these seeds alone, with values that compare runs, such as deviations, of them alone."""
        chosen = set(seeds)
        runs = tuple(run for run in self.runs if run.seed in chosen)
        if len(runs) == len(self.runs):
            return self
        own = _with_deviations([run for run in self.values.runs if run.seed in chosen])
        return dataclasses.replace(self, runs=runs, values=Values(own, self.values.classes))

    @property
    def evaluations(self) -> list[tuple[str, str]]:
        """Return (variant, evaluation) of all, each variant's intact one first."""
        return [
            (name, evaluation)
            for name in self.variants
            for evaluation in dict.fromkeys(evaluation for run in self.of(name) for evaluation in run.evaluations)
        ]

    def epochs(self, variant: str) -> int:
        """Return how many epochs the runs of a variant have, which are alike."""
        return self.of(variant)[0].identity.recipe.epochs

    def unreached(self, group: str, path: str) -> list[int]:
        """Return the seeds of a group's runs that ended before a censored measure's event; none of another measure."""
        own = parse_group(group)
        return self.values.nulls(own.variant, own.metric(path) or path) if measure(path).censored else []

    def at_least(self, group: str, path: str) -> dict[int, float]:
        """Return the values of a group's runs, by seed; of a censored measure also those that are not reached.

        These count as the epochs after the last, the least that they can be. A difference of a run that ended and one
        that didn't is thus one of the least size that it can have.
        """
        last = float(self.epochs(parse_group(group).variant) + 1)
        ended = dict.fromkeys(self.unreached(group, path), last)
        return dict(sorted({**self.values.of_group(group, path), **ended}.items()))

    def lacking(self, groups: Iterable[str], path: str) -> list[str]:
        """Return those of a claim's groups that have runs, none of which records the metric at `path`."""
        own = {group: parse_group(group) for group in groups}
        present = {text: group for text, group in own.items() if group.variant in self.variants}
        return [
            text for text, group in present.items() if not self.values.has(group.variant, group.metric(path) or path)
        ]

    @property
    def published_pixels(self) -> bool:
        """Return whether the runs saw the pixels that the published study saw: not where a lossy copy was read."""
        lossy = {"jpeg", "webp"} & set(self.runs[0].provenance.source.encodings)
        published = self.study.published
        return not (published and published.data == "original" and lossy)


def collect(study: Study, results: Path) -> Collection:
    """Return what is found of `study` below the root `results`."""
    has_arrays = not (results / study.name / REFERENCE).exists()
    runs: list[Run] = []
    values: dict[tuple[str, int], RunValues] = {}
    left_out: list[LeftOut] = []
    for variant in study.variants:
        for path in sorted((results / study.name / variant).glob("seed-*"), key=lambda p: (len(p.name), p.name)):
            try:
                run, own = read_run(RunFolder(path), variant, has_arrays=has_arrays)
                runs.append(run)
                values[variant, run.seed] = own
            except DamagedRunError as error:
                name, seed = f"{variant}/{path.name}", path.name.removeprefix("seed-")
                number = int(seed) if seed.isdigit() else None
                left_out.append(LeftOut(run=name, reason=str(error), variant=variant, seed=number))
    strangers = {path.parent.name for path in (results / study.name).glob("*/seed-*")} - set(study.variants)
    left_out += [LeftOut(run=name, reason="not a variant of the study") for name in sorted(strangers)]
    seen = {(run.variant, run.seed) for run in runs} | {(entry.variant, entry.seed) for entry in left_out}
    left_out += missing(study, seen)
    kept, unlike = alike(runs)
    own_values = _with_deviations([values[run.variant, run.seed] for run in kept])
    data = _facts(kept[0], values[kept[0].variant, kept[0].seed]) if kept else None
    unjudged = inapplicable(study, data) if data else ()
    return Collection(
        study=applicable(study, data) if data else study,
        runs=tuple(kept),
        values=Values(own_values, kept[0].classes if kept else ()),
        left_out=(*left_out, *unlike),
        flags=_flags(study, kept, own_values, unjudged),
        has_arrays=has_arrays and all(run.folder.predictions.name in run.files for run in kept),
        inapplicable=unjudged,
    )


def _facts(run: Run, own: RunValues) -> DataFacts:
    """Return what the data of a run is, as far as claims depend on it."""
    images = int(own.vectors["intact", CONFUSION.format("intact")].sum())
    return DataFacts(kind=run.provenance.source.kind, classes=run.classes, test_images=images)


def _with_deviations(runs: Sequence[RunValues]) -> list[RunValues]:
    """Return each run's values with its distance from its variant's median learning curve."""
    found: dict[tuple[str, int], float | None] = {}
    for variant in {run.variant for run in runs}:
        own = [run for run in runs if run.variant == variant]
        deviations = curve_deviations([run.vectors[RUN, CURVE] for run in own])
        found |= {(variant, run.seed): value for run, value in zip(own, deviations, strict=True)}
    return [
        dataclasses.replace(run, single={**run.single, (RUN, "derived.curve_deviation"): found[run.variant, run.seed]})
        for run in runs
    ]


def _flags(
    study: Study, runs: Sequence[Run], values: Sequence[RunValues], unjudged: Sequence[Inapplicable]
) -> tuple[str, ...]:
    """Return what a reader should know before the numbers, a sentence each."""
    if not runs:
        return ()
    firsts = list({run.variant: run.identity for run in reversed(runs)}.values())[::-1]
    lacking = [f"{str(entry)[0].upper()}{str(entry)[1:]}." for entry in unjudged]
    own = departures(study, firsts, runs[0].provenance.source) + of_data([run.provenance.source for run in runs])
    sizes = values[0].vectors["intact", CONFUSION.format("intact")].sum(1)
    known = (*held_out(firsts), *majority(runs[0].classes, sizes), *few(Counter(run.variant for run in runs)))
    return (*own, *known, *lacking, *mixtures([run.provenance for run in runs]))


def described_data(collection: Collection) -> str:
    """Return one phrase for the data of the kept runs."""
    source = collection.runs[0].provenance.source
    return source.name + (f" (image folder, {', '.join(source.encodings)})" if source.kind == "folder" else "")


def as_json(collection: Collection) -> dict[str, object]:
    """Return what report.json says of runs and of what was left out."""
    return {
        "runs": [{"variant": run.variant, "seed": run.seed, "hash": run.identity.hash} for run in collection.runs],
        "left_out": [{"run": entry.run, "reason": entry.reason} for entry in collection.left_out],
        "inapplicable": [{"what": entry.what, "reason": entry.reason} for entry in collection.inapplicable],
        "flags": list(collection.flags),
    }
