"""What needs the runs' arrays: read run by run, kept as a few numbers, so that a thousand runs fit in memory."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet_study.report.collection import Collection
from alexnet_study.report.findings import (
    AlignmentFinding,
    AlignmentTest,
    CalibrationBin,
    ChurnFinding,
    CrossedFinding,
    Findings,
    Numbers,
    Points,
    ProcrustesFinding,
    SpreadFinding,
)
from alexnet_study.report.run import Array, Run
from alexnet_study.report.statistics.churn import between, within
from alexnet_study.report.statistics.crossed import crossed_estimate
from alexnet_study.report.statistics.resampling import split_spread
from alexnet_study.report.statistics.similarity import alignment, centred_gram, procrustes, swap_p
from alexnet_study.runs.records import CALIBRATION_BINS

SHOWN = 6000  # points of all scatters
GRAMS = 80  # feature sets compared with each other; 4 MB each
SEEDS = 10  # of each variant, at most, among them

Group: TypeAlias = tuple[str, str]  # variant, evaluation


class _Tally:
    """What is kept of one variant's evaluation: right-or-wrong bits of every run, and sums over its runs."""

    def __init__(self, images: int) -> None:
        self.bits: list[NDArray[np.uint8]] = []
        self.correct = np.zeros(images)  # (N,) runs that get the image right
        self.bins = np.zeros((CALIBRATION_BINS, 3))  # images, summed confidence, right ones
        self.accuracy: list[float] = []

    def add(self, logits: Array, labels: Array) -> None:
        """Add one run's test logits (N, C)."""
        logits = logits.astype(np.float64)
        shifted = np.exp(logits - logits.max(1, keepdims=True))
        confidence = shifted.max(1) / shifted.sum(1)
        right = logits.argmax(1) == labels
        place = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int), 1, CALIBRATION_BINS) - 1  # (lower, upper]
        for column, weights in enumerate((np.ones(len(labels)), confidence, right.astype(float))):
            self.bins[:, column] += np.bincount(place, weights, minlength=CALIBRATION_BINS)
        self.bits.append(np.packbits(right))
        self.correct += right
        self.accuracy.append(float(right.mean()))


def hashes(collection: Collection) -> tuple[str, ...]:
    """Return the hashes of the runs, which say whose findings are whose."""
    return tuple(run.identity.hash for run in collection.runs)


def read_arrays(collection: Collection) -> Findings:
    """Return what the arrays of all runs say."""
    tallies = {group: _Tally(collection.test_images) for group in _whole(collection)}
    common = sorted(set.intersection(*({run.seed for run in collection.of(v)} for v in collection.variants)))
    chosen = common[: min(SEEDS, GRAMS // len(tallies))]
    grams: dict[Group, list[Array]] = {group: [] for group in tallies}
    scores: dict[Group, list[Array]] = {group: [] for group in tallies}
    labels = np.empty(0)
    for variant in collection.variants:
        for run in collection.of(variant):
            labels = _add_predictions(run, tallies)
            if run.seed in chosen and run.folder.features.name in run.files:
                _add_features(run, grams, scores)
    for kept in (grams, scores):  # what the runs of a group don't all have is left out
        for group in [group for group, own in kept.items() if len(own) < max(len(chosen), 1)]:
            del kept[group]
    several = len(chosen) > 1
    numbers = Numbers(
        spread=tuple(_spread(tallies)),
        calibration=tuple(_calibration(tallies)),
        alignment=tuple(_alignment(grams)) if several else (),
        alignment_tests=tuple(_alignment_tests(collection, grams)) if several else (),
        procrustes=tuple(_procrustes(collection, scores)) if several else (),
        crossed=tuple(_crossed(collection, tallies)),
        churn=tuple(_churn(collection, tallies)),
    )
    points = tuple(_points(collection, scores, labels, chosen))
    return Findings(runs=hashes(collection), numbers=numbers, points=points)


def _whole(collection: Collection) -> list[Group]:
    """Return the evaluations that every run of their variant has: what compares runs needs it of all of them."""
    return [
        (name, own) for name, own in collection.evaluations if all(own in r.evaluations for r in collection.of(name))
    ]


def _add_predictions(run: Run, tallies: dict[Group, _Tally]) -> Array:
    arrays = run.predictions()
    for variant, evaluation in tallies:
        if variant == run.variant:
            tallies[variant, evaluation].add(arrays[evaluation], arrays["labels"])
    return arrays["labels"]


def _add_features(run: Run, grams: dict[Group, list[Array]], scores: dict[Group, list[Array]]) -> None:
    arrays = run.features()
    for variant, evaluation in grams:
        if variant == run.variant and f"{evaluation}_features" in arrays:
            grams[variant, evaluation].append(centred_gram(arrays[f"{evaluation}_features"]))
        if variant == run.variant and f"{evaluation}_scores" in arrays:
            scores[variant, evaluation].append(arrays[f"{evaluation}_scores"][:, :2])


def _spread(tallies: dict[Group, _Tally]) -> list[SpreadFinding]:
    rows = []
    for (variant, evaluation), tally in tallies.items():
        spread = split_spread(tally.correct, len(tally.accuracy), tally.accuracy)
        if spread is not None:
            parts = {"total": spread.total, "images": spread.images, "seeds": spread.seeds}
            rows.append(SpreadFinding(variant=variant, evaluation=evaluation, n=spread.n, **parts))
    return rows


def _crossed(collection: Collection, tallies: dict[Group, _Tally]) -> list[CrossedFinding]:
    """Return differences of top-1 from the first variant, and of each lesioned evaluation from its intact one."""
    first = collection.variants[0]
    pairs = [((variant, "intact"), (first, "intact")) for variant in collection.variants[1:]]
    pairs += [((variant, name), (variant, "intact")) for variant, name in tallies if name != "intact"]
    rows = []
    for a, b in pairs:
        ours, theirs = _common_bits(collection, tallies, a, b)
        found = crossed_estimate(ours.astype(np.int8) - theirs.astype(np.int8))
        if found is None:
            continue
        interval = found.interval()
        rows.append(
            CrossedFinding(
                variant=a[0],
                evaluation=a[1],
                less_variant=b[0],
                less_evaluation=b[1],
                value=found.value,
                low=interval.low,
                high=interval.high,
                seeds=found.seeds,
                images=found.images,
                n=found.n,
                images_n=found.images_n,
            )
        )
    return rows


def _churn(collection: Collection, tallies: dict[Group, _Tally]) -> list[ChurnFinding]:
    """Return the agreement of runs of different seeds: within each group, and of each later one with the first."""
    groups = list(tallies)
    pairs = [(group, group) for group in groups] + [(group, groups[0]) for group in groups[1:]]
    rows = []
    for a, b in pairs:
        ours, theirs = _common_bits(collection, tallies, a, b)
        found = within(ours) if a == b else between(ours, theirs)
        if found is None:
            continue
        disagreement, kappa = found.disagreement.interval(), found.kappa.interval() if found.kappa else None
        rows.append(
            ChurnFinding(
                variant=a[0],
                evaluation=a[1],
                other_variant=b[0],
                other_evaluation=b[1],
                disagreement=found.disagreement.value,
                disagreement_low=disagreement.low if disagreement else None,
                disagreement_high=disagreement.high if disagreement else None,
                kappa=found.kappa.value if found.kappa else None,
                kappa_low=kappa.low if kappa else None,
                kappa_high=kappa.high if kappa else None,
                n=len(ours),
            )
        )
    return rows


def _common_bits(
    collection: Collection, tallies: dict[Group, _Tally], a: Group, b: Group
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return right or wrong (n, N) of two groups' runs, of the seeds that both have, in one order."""
    seeds = [{run.seed: index for index, run in enumerate(collection.of(group[0]))} for group in (a, b)]
    common = sorted(set(seeds[0]) & set(seeds[1]))

    def unpacked(group: Group, places: dict[int, int]) -> NDArray[np.uint8]:
        bits = [tallies[group].bits[places[seed]] for seed in common]
        packed = np.stack(bits) if bits else np.empty((0, -(-collection.test_images // 8)), dtype=np.uint8)
        return np.unpackbits(packed, axis=1, count=collection.test_images)

    return unpacked(a, seeds[0]), unpacked(b, seeds[1])


def _calibration(tallies: dict[Group, _Tally]) -> list[CalibrationBin]:
    return [
        CalibrationBin(
            variant=variant,
            evaluation=evaluation,
            bin=index + 1,
            share=count / tally.bins[:, 0].sum(),
            confidence=confidence / count if count else None,
            accuracy=right / count if count else None,
            n=len(tally.accuracy),
        )
        for (variant, evaluation), tally in tallies.items()
        for index, (count, confidence, right) in enumerate(tally.bins.tolist())
    ]


def _alignment(grams: dict[Group, list[Array]]) -> list[AlignmentFinding]:
    """Return mean centred kernel alignment of every two groups, over pairs of different and of equal seed."""
    groups = list(grams)
    if not groups:
        return []
    n = len(grams[groups[0]])
    found = alignment([gram for group in groups for gram in grams[group]]).reshape(len(groups), n, len(groups), n)
    other = ~np.eye(n, dtype=bool)
    rows = []
    for i, a in enumerate(groups):
        for j, b in enumerate(groups[: i + 1]):
            block = found[i, :, j]
            rows.append(
                AlignmentFinding(
                    variant=a[0],
                    evaluation=a[1],
                    other_variant=b[0],
                    other_evaluation=b[1],
                    different_seeds=float(block[other].mean()),
                    least=float(block[other].min()),
                    greatest=float(block[other].max()),
                    same_seed=None if i == j else float(block.diagonal().mean()),
                    n=n,
                )
            )
    return rows


def _alignment_tests(collection: Collection, grams: dict[Group, list[Array]]) -> list[AlignmentTest]:
    """Return, for each later variant, whether its intact features are farther from the first's than seeds are."""
    first, *others = collection.variants
    compared = [other for other in others if {(first, "intact"), (other, "intact")} <= grams.keys()]
    rows = []
    for other in compared:
        difference, p = swap_p(alignment(grams[first, "intact"] + grams[other, "intact"]))
        n = len(grams[first, "intact"])
        rows.append(AlignmentTest(variant=other, less_variant=first, within_less_between=difference, p=p, n=n))
    return rows


def _procrustes(collection: Collection, scores: dict[Group, list[Array]]) -> list[ProcrustesFinding]:
    """Return mean residual of every group's scores on the first variant's, over pairs of different seeds."""
    base = scores.get((collection.variants[0], "intact"), [])
    rows = []
    for (variant, evaluation), own in scores.items() if base else ():
        pairs = [(i, j) for i in range(len(own)) for j in range(len(base)) if i != j]
        left = [procrustes(own[i], base[j])[1] for i, j in pairs]
        extent = {"residual": float(np.mean(left)), "least": min(left), "greatest": max(left)}
        rows.append(ProcrustesFinding(variant=variant, evaluation=evaluation, n=len(own), **extent))
    return rows


def _points(collection: Collection, scores: dict[Group, list[Array]], labels: Array, chosen: list[int]) -> list[Points]:
    """Return the scores of one seed of each group, of some of the images, moved onto the first variant's."""
    base = collection.variants[0], "intact"
    if base not in scores:
        return []
    reference = scores[base][0]
    step = -(-len(labels) * len(scores) // SHOWN)
    rows = []
    for (variant, evaluation), own in scores.items():
        placed, residual = procrustes(own[0], reference)
        rows.append(
            Points(
                variant=variant,
                evaluation=evaluation,
                seed=chosen[0],
                residual=residual,
                images=len(labels),
                scores=tuple((float(f"{x:.4g}"), float(f"{y:.4g}")) for x, y in placed[::step].tolist()),
                labels=tuple(labels[::step].tolist()),
            )
        )
    return rows
