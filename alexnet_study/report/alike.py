"""Which runs are alike in all but the seed, and which a report leaves out: they are unlike these, or not there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from alexnet_study.report.run import Run
from alexnet_study.study.study import Study


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A run, or several, that the report does not use, and why; variant and seed are None unless it is one run."""

    run: str
    reason: str
    variant: str | None = None
    seed: int | None = None


def missing(study: Study, seen: set[tuple[str | None, int | None]]) -> Iterable[LeftOut]:
    """Yield the seeds of each variant that a study asks for and that are not among the `seen` (variant, seed)."""
    for variant in study.variants:
        seeds = [seed for seed in study.seeds_of(variant) if (variant, seed) not in seen]
        if seeds:
            yield LeftOut(run=f"{variant} {'seed' if len(seeds) == 1 else 'seeds'} {_ranges(seeds)}", reason="not run")


def alike(runs: list[Run]) -> tuple[list[Run], list[LeftOut]]:
    """Return the runs of the commonest data, threads, numerics and, by variant, model and recipe; and the others."""
    kept, left_out = _commonest(runs, ("dataset", "holdout", "threads", "numerics"))
    same_in_all: list[Run] = []
    for variant in dict.fromkeys(run.variant for run in kept):
        same, other = _commonest([run for run in kept if run.variant == variant], ("model", "recipe"))
        same_in_all += same
        left_out += other
    return same_in_all, left_out


def _commonest(runs: list[Run], keys: tuple[str, ...]) -> tuple[list[Run], list[LeftOut]]:
    def value(run: Run) -> tuple[object, ...]:
        return tuple(getattr(run.identity, key) for key in keys)

    def differing(run: Run) -> str:
        return ", ".join(key for key, own, usual in zip(keys, value(run), most, strict=True) if own != usual)

    if not runs:
        return [], []
    most = Counter(value(run) for run in runs).most_common(1)[0][0]
    left_out = [
        LeftOut(run=f"{run.variant}/seed-{run.seed}", reason=f"unlike the others in {differing(run)}")
        for run in runs
        if value(run) != most
    ]
    return [run for run in runs if value(run) == most], left_out


def _ranges(numbers: list[int]) -> str:
    """Return numbers as ranges: `0–3, 7` for [0, 1, 2, 3, 7]."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in spans)
