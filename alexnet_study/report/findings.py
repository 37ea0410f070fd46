"""What the runs' arrays say, in a few numbers; a report keeps them as `from_arrays.json`.

Runs that were committed without their arrays (the reference) have only what was kept.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.errors import DamagedRunError
from alexnet_study.runs.records import parse

FILE = "from_arrays.json"


@dataclass(frozen=True, kw_only=True)
class SpreadFinding:
    """The variance of test top-1 over n seeds, and its parts, as in `statistics.resampling.Spread`."""

    variant: str
    evaluation: str
    total: float
    images: float
    seeds: float
    n: int


@dataclass(frozen=True, kw_only=True)
class CrossedFinding:
    """A difference of test top-1 over the n seeds that both groups have and all test images, with its 95 % interval.

    seeds, images: the two parts of the mean's variance, as in `statistics.crossed.CrossedEstimate`.
    """

    variant: str
    evaluation: str
    less_variant: str
    less_evaluation: str
    value: float
    low: float
    high: float
    seeds: float
    images: float
    n: int
    images_n: int


@dataclass(frozen=True, kw_only=True)
class ChurnFinding:
    """On what share of the test images two runs of different seeds differ in being right, and κ.

    With 95 % intervals over n seeds; of a group with itself, or of two groups. kappa: None where a pair has none.
    """

    variant: str
    evaluation: str
    other_variant: str
    other_evaluation: str
    disagreement: float
    disagreement_low: float | None
    disagreement_high: float | None
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """A bin of confidence, from 1: the share of the images in it, their mean confidence and accuracy; n seeds pooled.

    Confidence and accuracy are None where the bin is empty.
    """

    variant: str
    evaluation: str
    bin: int
    share: float
    confidence: float | None
    accuracy: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class AlignmentFinding:
    """The centred kernel alignment of two groups' features, over pairs of different seeds: mean, least, greatest.

    same_seed: the mean over pairs of equal seed; None of a group with itself.
    """

    variant: str
    evaluation: str
    other_variant: str
    other_evaluation: str
    different_seeds: float
    least: float
    greatest: float
    same_seed: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class AlignmentTest:
    """Whether two variants' features differ more than seeds do: the difference of mean alignments, and its p."""

    variant: str
    less_variant: str
    within_less_between: float
    p: float
    n: int


@dataclass(frozen=True, kw_only=True)
class ProcrustesFinding:
    """What is left of a group's PCA scores laid on the first variant's: mean, least and greatest share of variance."""

    variant: str
    evaluation: str
    residual: float
    n: int
    least: float
    greatest: float


@dataclass(frozen=True, kw_only=True)
class Points:
    """The PCA scores (k, 2) and labels (k,) of some of the `images` test images, of one seed of a group."""

    variant: str
    evaluation: str
    seed: int
    residual: float
    images: int
    scores: tuple[tuple[float, ...], ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The findings by topic. crossed and churn are younger than some kept findings, which have none."""

    spread: tuple[SpreadFinding, ...]
    calibration: tuple[CalibrationBin, ...]
    alignment: tuple[AlignmentFinding, ...]
    alignment_tests: tuple[AlignmentTest, ...]
    procrustes: tuple[ProcrustesFinding, ...]
    crossed: tuple[CrossedFinding, ...] = ()
    churn: tuple[ChurnFinding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the arrays of runs say. runs: these runs' hashes. points: aligned PCA scores, of each group."""

    runs: tuple[str, ...]
    numbers: Numbers
    points: tuple[Points, ...]

    def as_json(self) -> dict[str, object]:
        """Return what from_arrays.json holds."""
        return dataclasses.asdict(self)


def read(path: Path, runs: Sequence[str]) -> Findings | None:
    """Return the findings that a report kept; None where there are none, or none of these runs."""
    try:
        content = json.loads(path.read_text())
        content["numbers"].pop("bootstrap", None)  # what older reports kept; its intervals were too short
        found = parse(Findings, content, path.name)
    except (OSError, ValueError, TypeError, KeyError, DamagedRunError):
        return None
    return found if found.runs == tuple(runs) else None
