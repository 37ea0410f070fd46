"""Find a study's run folders, keep those that belong together, and name every other with the reason."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alexnet_study.errors import DamagedRunError
from alexnet_study.files import digest
from alexnet_study.report.measures import AbsentError, curve_deviations, derive, in_evaluation, listed, look_up
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.study import Study

REFERENCE = "reference.json"  # in a study's folder: its runs were committed without their arrays


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished run, read back. `summary`, `metrics`, `config`, `provenance` are the files' content.

    Ratios of explained variance are numpy arrays: as lists, those of a thousand runs would fill the memory.
    """

    folder: RunFolder
    variant: str
    seed: int
    config: dict[str, Any]
    summary: dict[str, Any]
    metrics: list[dict[str, Any]]
    provenance: dict[str, Any]
    derived: dict[str, Any]

    @property
    def evaluations(self) -> list[str]:
        """intact and, for a variant with a skip, lesioned."""
        return list(self.summary["evaluations"])

    def figure(self, path: str, evaluation: str = "intact") -> float | None:
        """Return the figure at a path (report/measures.py); None where it is null, or the run does not record it.

        Raise RequestError if there is no such figure, AbsentError if only this run may lack it.
        """
        own = in_evaluation(path, evaluation)
        if own is None or evaluation not in self.evaluations:
            return None
        try:
            return look_up({**self.summary, "last_epoch": self.metrics[-1], "derived": self.derived}, own)
        except AbsentError:
            if listed(path):
                return None
            raise

    def records(self, path: str) -> bool:
        """Return whether the run has the figure at a path, be it null."""
        try:
            look_up({**self.summary, "last_epoch": self.metrics[-1], "derived": self.derived}, path)
        except AbsentError:
            return False
        return True

    def arrays(self, name: str) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays of `predictions` or `features`."""
        path = self.folder.predictions if name == "predictions" else self.folder.features
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A run, or several, that the report does not use, and why; variant and seed are None unless it is one run."""

    run: str
    reason: str
    variant: str | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Collection:
    """The runs of a study that are finished and alike in all but the seed, the others, and what readers should know."""

    study: Study
    runs: list[Run]
    left_out: list[LeftOut]
    flags: list[str]
    has_arrays: bool

    @property
    def variants(self) -> list[str]:
        """Variants with at least one run, in the study's order."""
        return [name for name in self.study.variants if any(run.variant == name for run in self.runs)]

    def of(self, variant: str) -> list[Run]:
        """The runs of a variant, by seed."""
        return sorted((run for run in self.runs if run.variant == variant), key=lambda run: run.seed)

    @property
    def classes(self) -> list[str]:
        """Class names in label order."""
        return list(self.runs[0].summary["classes"])

    @property
    def test_images(self) -> int:
        """N, the same for all runs."""
        return int(np.sum(self.runs[0].summary["evaluations"]["intact"]["confusion"]))

    @property
    def evaluations(self) -> list[tuple[str, str]]:
        """(variant, evaluation), each variant's intact one first."""
        return [
            (name, evaluation)
            for name in self.variants
            for evaluation in dict.fromkeys(evaluation for run in self.of(name) for evaluation in run.evaluations)
        ]

    def figures(self, variant: str, path: str, evaluation: str = "intact") -> dict[int, float]:
        """Return the figure at `path` of a variant's runs, by seed, without runs that lack it or where it is null.

        Raise RequestError if no run of the study has such a figure and the report does not know it either.
        """
        own = self.of(variant)
        if not listed(path) and any(run.records(path) for run in self.runs):
            own = [run for run in own if run.records(path)]
        found = {run.seed: run.figure(path, evaluation) for run in own}
        return {seed: value for seed, value in found.items() if value is not None}

    def lacking(self, variants: Iterable[str], path: str) -> list[str]:
        """Return those of `variants` that have runs, none of which records the figure at `path`."""
        return [name for name in variants if (own := self.of(name)) and not any(run.records(path) for run in own)]

    @property
    def published_pixels(self) -> bool:
        """Whether the runs saw the pixels that the published study saw: not where a lossy copy was read."""
        lossy = {"jpeg", "webp"} & set(self.runs[0].provenance.get("source", {}).get("encodings", []))
        published = self.study.published
        return not (published and published.data == "original" and lossy)


def collect(study: Study, results: Path) -> Collection:
    """Every run of `study` below the root `results`."""
    has_arrays = not (results / study.name / REFERENCE).exists()
    runs: list[Run] = []
    left_out: list[LeftOut] = []
    for variant in study.variants:
        for path in sorted((results / study.name / variant).glob("seed-*"), key=lambda p: (len(p.name), p.name)):
            try:
                runs.append(_read(RunFolder(path), variant, has_arrays=has_arrays))
            except DamagedRunError as error:
                name, seed = f"{variant}/{path.name}", path.name.removeprefix("seed-")
                number = int(seed) if seed.isdigit() else None
                left_out.append(LeftOut(run=name, reason=str(error), variant=variant, seed=number))
    strangers = {path.parent.name for path in (results / study.name).glob("*/seed-*")} - set(study.variants)
    left_out += [LeftOut(run=name, reason="not a variant of the study") for name in sorted(strangers)]
    seen = {(run.variant, run.seed) for run in runs} | {(entry.variant, entry.seed) for entry in left_out}
    left_out += _missing(study, seen)
    kept, unlike = _alike(runs)
    return Collection(
        study=study,
        runs=_with_deviations(kept),
        left_out=left_out + unlike,
        flags=_flags(kept),
        has_arrays=has_arrays,
    )


def _read(folder: RunFolder, variant: str, *, has_arrays: bool) -> Run:
    summary = folder.read_summary(arrays=has_arrays)
    if summary is None:
        raise DamagedRunError(_unfinished(folder))
    config, metrics = folder.read_config(), folder.read_metrics()
    if len(metrics) != config["recipe"]["epochs"]:
        raise DamagedRunError(f"{folder.metrics.name} has {len(metrics)} epochs of {config['recipe']['epochs']}")
    if "intact" not in summary["evaluations"]:
        raise DamagedRunError(f"{folder.summary.name} has no intact evaluation")
    for evaluation in summary["evaluations"].values():
        if pca := evaluation.get("pca"):
            pca["explained_variance_ratio"] = np.array(pca["explained_variance_ratio"])
    return Run(
        folder=folder,
        variant=variant,
        seed=config["seed"],
        config=config,
        summary=summary,
        metrics=metrics,
        provenance=folder.read_provenance(),
        derived=derive(summary, metrics),
    )


def _with_deviations(runs: list[Run]) -> list[Run]:
    """Each run with its distance from its variant's median learning curve."""
    found: dict[tuple[str, int], float | None] = {}
    for variant in {run.variant for run in runs}:
        own = [run for run in runs if run.variant == variant]
        curves = [[record["test_top1"] for record in run.metrics] for run in own]
        found |= {(variant, run.seed): value for run, value in zip(own, curve_deviations(curves), strict=True)}
    return [
        dataclasses.replace(run, derived={**run.derived, "curve_deviation": found[run.variant, run.seed]})
        for run in runs
    ]


def _unfinished(folder: RunFolder) -> str:
    try:
        attempts = folder.read_provenance()["attempts"]
    except DamagedRunError:
        attempts = []
    return f"unfinished; last attempt: {attempts[-1]['cause'] or 'no end recorded'}" if attempts else "unfinished"


def _missing(study: Study, seen: set[tuple[str | None, int | None]]) -> Iterable[LeftOut]:
    for variant in study.variants:
        seeds = [seed for seed in study.seeds if (variant, seed) not in seen]
        if seeds:
            yield LeftOut(run=f"{variant}, {_count(len(seeds), 'seed')} {_ranges(seeds)}", reason="not run")


def _alike(runs: list[Run]) -> tuple[list[Run], list[LeftOut]]:
    """The runs on the commonest data, threads and numerics, and of each variant the commonest model and recipe."""
    kept, left_out = _commonest(runs, ("dataset", "threads", "numerics"))
    alike: list[Run] = []
    for variant in dict.fromkeys(run.variant for run in kept):
        same, other = _commonest([run for run in kept if run.variant == variant], ("model", "recipe"))
        alike += same
        left_out += other
    return alike, left_out


def _commonest(runs: list[Run], keys: tuple[str, ...]) -> tuple[list[Run], list[LeftOut]]:
    def value(run: Run) -> str:
        return digest({key: run.config.get(key) for key in keys})

    if not runs:
        return [], []
    most = Counter(value(run) for run in runs).most_common(1)[0][0]
    reference = next(run for run in runs if value(run) == most)
    left_out = [
        LeftOut(run=f"{run.variant}/seed-{run.seed}", reason="unlike the others in " + _differing(run, reference, keys))
        for run in runs
        if value(run) != most
    ]
    return [run for run in runs if value(run) == most], left_out


def _differing(run: Run, reference: Run, keys: tuple[str, ...]) -> str:
    return ", ".join(key for key in keys if run.config.get(key) != reference.config.get(key))


def _flags(runs: list[Run]) -> list[str]:
    """Differences between runs that do not keep them apart but that a reader should know."""
    flags = []
    for label, values in (
        ("devices", {run.provenance.get("device") for run in runs}),
        ("commits", {str(run.provenance.get("commit"))[:12] for run in runs}),
        ("versions of torch", {run.provenance.get("versions", {}).get("torch") for run in runs}),
    ):
        if len(values) > 1:
            flags.append(f"The runs mix {label}: {', '.join(sorted(str(value) for value in values))}.")
    dirty = sum(bool(run.provenance.get("dirty")) for run in runs)
    if dirty:
        flags.append(f"{dirty} of {_count(len(runs), 'run')} came from code with uncommitted changes.")
    inexact = sum(run.provenance.get("bit_exact") is False for run in runs)
    if inexact:
        where = "on another device model or other versions than they began with: their bits are not reproducible"
        flags.append(f"{inexact} of {_count(len(runs), 'run')} went on {where}.")
    return flags


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ranges(numbers: list[int]) -> str:
    """`0–3, 7` for [0, 1, 2, 3, 7]."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in spans)


def described_data(collection: Collection) -> str:
    """One phrase for the data of the kept runs."""
    source = collection.runs[0].provenance.get("source", {})
    name = str(source.get("name", "unknown data"))
    if source.get("kind") == "folder":
        name += f" (image folder, {', '.join(source.get('encodings', []))})"
    return name


def as_json(collection: Collection) -> dict[str, Any]:
    """What report.json says of runs and of what was left out."""
    return {
        "runs": [{"variant": run.variant, "seed": run.seed, "hash": run.config["hash"]} for run in collection.runs],
        "left_out": [{"run": entry.run, "reason": entry.reason} for entry in collection.left_out],
        "flags": collection.flags,
    }
