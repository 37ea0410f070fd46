"""What of a study can be judged: its metrics and variants by the study alone, its classes by the data.

A metric that no run of the study could have is a mistake. One that these data don't have, a class of other images, is
not: its claim is left out, of the verdicts and of the family of tests, and named.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alexnet_study.data.sources import is_source
from alexnet_study.errors import RequestError
from alexnet_study.report.measures import MEASURES
from alexnet_study.runs.records import STAGE_SIDE, EpochRecord, Evaluation, Gap, LinearRegressors, RidgeScore
from alexnet_study.study.claims import Claim, Published
from alexnet_study.study.configs import BRANCHES, CONV_NAMES, MEASURED, ModelConfig
from alexnet_study.study.metrics import class_metric, evaluation_of, in_evaluation, parse_group
from alexnet_study.study.study import Study

NAMED = 5  # classes that a line names
RATIOS = "pca.explained_variance_ratio"


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What of the data decides which claims apply: the kind of its source, its classes, how many test images it has."""

    kind: str
    classes: tuple[str, ...]
    test_images: int


@dataclass(frozen=True, kw_only=True)
class Inapplicable:
    """A claim, or the published figures, that these data can't judge, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: not judged, since {self.reason}"


def check_study(study: Study) -> None:
    """Raise RequestError where a claim or a published figure names a metric that no run of its variant has."""
    for claim in study.claims:
        for group in map(parse_group, claim.variants):
            path = group.metric(claim.metric) or claim.metric
            _check_metric(study, f"claim {claim.id}", path, group.variant)
    for figures in study.published.figures if study.published else ():
        for variant in figures.values:
            for path in figures.metrics:
                _check_metric(study, f"published figures {figures.name!r}", path, variant)


def check_classes(study: Study, data: DataFacts) -> None:
    """Raise RequestError where a claim names a class that the study's own data has under a name much like it."""
    for claim in study.claims:
        own = class_metric(claim.metric)
        if own is None or own.name in data.classes:
            continue
        close = difflib.get_close_matches(own.name, data.classes, n=1)
        if close:
            raise RequestError(
                f"claim {claim.id}: metric {claim.metric}: no class {own.name!r}; did you mean {close[0]}?"
            )


def inapplicable(study: Study, data: DataFacts) -> tuple[Inapplicable, ...]:
    """Return the claims that these data can't judge, in the study's order, and last the published figures."""
    found = [
        Inapplicable(what=f"claim {claim.label}", reason=reason)
        for claim in study.claims
        if (reason := _lack(claim.metric, data)) is not None
    ]
    reason = _other_data(study, data)
    return (*found, *([Inapplicable(what="the published figures", reason=reason)] if reason else []))


def applicable(study: Study, data: DataFacts) -> Study:
    """Return the study with those of its claims and published figures alone that these data can judge."""
    claims = tuple(claim for claim in study.claims if _applies(claim, data))
    published = None if _other_data(study, data) else study.published
    return dataclasses.replace(study, claims=claims, published=published)


def metrics_of(model: ModelConfig, measured: Sequence[str] = MEASURED) -> set[str]:
    """Return the paths of all numbers that a run of this structure has, without those of classes and of components.

    measured: what its study measures.
    """
    paths = {*_numbers(Gap, "gap"), *_numbers(EpochRecord, "last_epoch")}
    paths |= {path for path, own in MEASURES.items() if path.startswith("derived.") and not own.of_spectrum}
    stages = [*CONV_NAMES, *(BRANCHES[name] for name in model.skips)]
    for evaluation in _evaluations(model, measured):
        spectral = evaluation != "mirrored" and "pca" in measured
        paths |= {path for path in _numbers(Evaluation, f"evaluations.{evaluation}") if spectral or ".pca." not in path}
        derived = [path for path, how in MEASURES.items() if how.of_evaluation or (spectral and how.of_spectrum)]
        paths |= {in_evaluation(path, evaluation) or path for path in derived}
        if evaluation != "mirrored" and "regressors" in measured:
            regressors = f"linear_regressor.{evaluation}"
            paths |= {*_numbers(LinearRegressors, regressors)}
            paths |= {path for stage in stages for path in _numbers(RidgeScore, f"{regressors}.by_stage.{stage}")}
    return paths


def _evaluations(model: ModelConfig, measured: Sequence[str]) -> list[str]:
    lesioned = ["lesioned"] if model.skips else []
    return ["intact", *lesioned, *(["mirrored"] if "mirrored" in measured else [])]


def _numbers(record: type, path: str) -> Iterator[str]:
    """Yield the paths of a record's numbers, and of those of the records in it."""
    for name, hint in typing.get_type_hints(record).items():
        kind = typing.get_args(hint)[0] if isinstance(hint, types.UnionType) else hint
        if kind in (int, float):
            yield f"{path}.{name}"
        elif dataclasses.is_dataclass(kind):
            yield from _numbers(typing.cast(type, kind), f"{path}.{name}")


def _check_metric(study: Study, where: str, path: str, variant: str) -> None:
    model = study.run(variant, study.seeds[0]).model
    evaluations = _evaluations(model, study.measure)
    evaluation = evaluation_of(path)
    if evaluation not in (None, *evaluations):
        why = "has no skip connection" if evaluation == "lesioned" else "isn't measured mirrored"
        right = " or ".join(evaluations)
        raise RequestError(f"{where}: metric {path}: {variant} {why}, so no {evaluation} evaluation; expected {right}")
    known = metrics_of(model, study.measure)
    if path in known or (class_metric(path) and evaluation):
        return
    component = _component(path) if evaluation != "mirrored" and "pca" in study.measure else None
    if component is not None and component < model.widths[-1] * STAGE_SIDE**2:
        return
    examples = {f"evaluations.intact.{share}.CLASS" for share in ("recall", "precision")}
    close = difflib.get_close_matches(path, sorted(known | examples), n=1)
    right = f"did you mean {close[0]}?" if close else "expected a path such as evaluations.intact.top1 or gap.proper"
    raise RequestError(f"{where}: metric {path}: no run of {variant} has it; {right}")


def _component(path: str) -> int | None:
    """Return the number of the principal component that a metric is the ratio of; None for other metrics."""
    parent, _, part = path.rpartition(".")
    ratio = evaluation_of(path) is not None and parent == f"evaluations.{evaluation_of(path)}.{RATIOS}"
    return int(part) if ratio and part.isdecimal() else None


def _applies(claim: Claim, data: DataFacts) -> bool:
    return _lack(claim.metric, data) is None


def _lack(path: str, data: DataFacts) -> str | None:
    """Return why these data have no such metric; None where they have it."""
    own, component = class_metric(path), _component(path)
    if own is not None and own.name not in data.classes:
        return f"the data has no class {own.name!r} but {_listed(data.classes)}"
    if component is not None and component >= data.test_images:
        return f"{data.test_images} test images have no principal component {component}, counted from 0"
    return None


def _other_data(study: Study, data: DataFacts) -> str | None:
    """Return why published figures, if there are any, are of other data than these; None where they may be of these."""
    published = study.published
    if published is None:
        return None
    if is_source(study.data) and is_source(data.kind) and study.data != data.kind:
        return f"they are of {study.data} and the data is {data.kind}"
    named = _classes_of(published)
    absent = [name for name in named if name not in data.classes]
    return f"they are of other data, which has {_listed(absent)}" if absent else None


def _classes_of(published: Published) -> list[str]:
    owns = [class_metric(path) for figures in published.figures for path in figures.metrics]
    return list(dict.fromkeys(own.name for own in owns if own is not None))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} … ({len(names)} classes)"
