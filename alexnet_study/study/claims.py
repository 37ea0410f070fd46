"""What a study file claims, and what was published: data that the report judges.

A metric is a path into what a finished run recorded: `evaluations.intact.top1` (summary.json), `last_epoch.train_loss`
(the last line of metrics.jsonl), or `derived.…` (what the report works out of both, listed in report/measures.py). The
last part of a path may be a class's name, as in `evaluations.intact.recall.bird`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alexnet_study.study.metrics import EVALUATIONS, class_metric, evaluation_of, parse_group
from alexnet_study.study.validation import check

DIRECTIONS = ("greater", "less")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One testable statement: a weighted sum of variants' means of a metric, and where it is said to lie.

    name: what the claim is called in a few words; parts of one claim share it, too.
    number: its number; parts of one claim share it, each with an id of its own. By default the id.
    variants: weights, as {skip: 1, baseline: -1}; four of them make a difference of differences. A variant in another
    evaluation than the metric's has it behind its name: {skip lesioned: 1, baseline: -1}.
    direction: `greater` or `less`, than 0. below: instead, a margin, stated beforehand, that the sum is to lie under.
    definition: what the statement's terms mean here.
    over_classes: the metric is one class's; what is tested is how far its gain exceeds the mean gain over all
    classes, with p adjusted jointly over them.
    """

    id: str
    statement: str
    definition: str
    metric: str
    variants: Mapping[str, float]
    direction: str = ""
    below: float | None = None
    over_classes: bool = False
    number: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", self.number or self.id)
        check(len(self.variants) > 0, "variants", dict(self.variants), "a mapping from variants to weights")
        check(all(self.variants.values()), "variants", dict(self.variants), "weights other than 0")
        if self.below is None:
            check(self.direction in DIRECTIONS, "direction", self.direction, "greater or less, or a margin below")
        else:
            check(not self.direction, "direction", self.direction, "either direction or below, not both")
        right = not self.over_classes or class_metric(self.metric) is not None
        check(right, "metric", self.metric, "a class's metric, as evaluations.intact.recall.bird")
        self._check_evaluations()

    def _check_evaluations(self) -> None:
        named = {evaluation for _, evaluation in map(parse_group, self.variants) if evaluation}
        expected = f"a variant, and behind it {' or '.join(EVALUATIONS)} where it is in another evaluation"
        check(named <= set(EVALUATIONS), "variants", dict(self.variants), expected)
        right = not named or evaluation_of(self.metric) is not None
        check(right, "metric", self.metric, f"one of an evaluation, since the claim names {', '.join(sorted(named))}")

    @property
    def own_variants(self) -> tuple[str, ...]:
        """Return the variants that it compares, each once, without their evaluations."""
        return tuple(dict.fromkeys(parse_group(group).variant for group in self.variants))

    @property
    def names_evaluations(self) -> bool:
        """Return whether it says of some variant in which evaluation it is meant."""
        return any(parse_group(group).evaluation for group in self.variants)

    @property
    def title(self) -> str:
        """Return the claim's number and name, `2 some classes`, which all its parts share."""
        return f"{self.number} {self.name}".rstrip()

    @property
    def label(self) -> str:
        """Return what this one part is called: its id where that says more than the number, else `1 accuracy`."""
        return self.id if self.id != self.number else self.title

    @property
    def null(self) -> float:
        """Return the value that the claim says the truth is above or below."""
        return 0.0 if self.below is None else self.below

    @property
    def sign(self) -> int:
        """Return 1 where the claim says greater, else −1."""
        return 1 if self.direction == "greater" else -1


@dataclass(frozen=True, kw_only=True)
class PublishedFigures:
    """Figures that one program of a published study printed: a value a metric, for each variant.

    joint: they form a vector, judged as one too. follows: those of its metrics that follow from other published figures
    (a gap from the two that it is a difference of); they are shown, but count neither as tests nor in vectors.
    Fractions in [0, 1].
    """

    name: str
    program: str
    metrics: tuple[str, ...]
    values: Mapping[str, tuple[float, ...]]
    joint: bool = False
    follows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(set(self.follows) <= set(self.metrics), "follows", list(self.follows), "some of its metrics")
        for variant, values in self.values.items():
            right = len(values) == len(self.metrics)
            check(right, f"values.{variant}", list(values), f"a value for each of {len(self.metrics)} metrics")

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the metrics that don't follow from others."""
        return tuple(metric for metric in self.metrics if metric not in self.follows)

    def counted_values(self, variant: str) -> tuple[float, ...]:
        """Return the published values of the metrics that don't follow from others."""
        return tuple(
            value for metric, value in zip(self.metrics, self.values[variant], strict=True) if metric in self.counted
        )


@dataclass(frozen=True, kw_only=True)
class CodeFinding:
    """A place in the published code, and what it does."""

    file: str
    lines: str
    finding: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published study: where it is from, its figures, and what its code does.

    data: `original` pixels; a verdict from a re-encoded copy says so.
    """

    source: str
    data: str
    runs: str
    figures: tuple[PublishedFigures, ...]
    code: tuple[CodeFinding, ...] = ()
    code_read_at: str = ""
    hypothesis: str = field(default="")

    def of(self, metric: str, variant: str) -> float | None:
        """Return the first published figure of a metric and variant; None where there is none."""
        for group in self.figures:
            if metric in group.metrics and variant in group.values:
                return group.values[variant][group.metrics.index(metric)]
        return None
