"""The path of a metric: its parts, of which a class's name is always the last, whatever characters it has."""

import re
from typing import NamedTuple

EVALUATIONS = ("intact", "lesioned", "mirrored")
SHARES = ("recall", "precision")  # metrics with a value of each class
OF_CLASS = re.compile(rf"(evaluations\.[^.]*\.(?:{'|'.join(SHARES)}))\.(.*)", re.DOTALL)
OF_EVALUATION = re.compile(rf"(evaluations|linear_regressor|derived)\.({'|'.join(EVALUATIONS)})\.(.*)", re.DOTALL)


class ClassMetric(NamedTuple):
    """A metric of one class: the path of what has a value of each class, and the class's name."""

    parent: str
    name: str


class Group(NamedTuple):
    """A variant in one evaluation, as claims name it: `skip lesioned`; `""` stands for that of the claim's metric."""

    variant: str
    evaluation: str

    def metric(self, path: str) -> str | None:
        """Return the path of the metric in this group's evaluation; None where it is one of the run."""
        return in_evaluation(path, self.evaluation) if self.evaluation else path


def parse_group(text: str) -> Group:
    """Return the group that a claim names: `skip` or `skip lesioned`, since no variant's name has a space."""
    variant, _, evaluation = text.partition(" ")
    return Group(variant, evaluation)


def class_metric(path: str) -> ClassMetric | None:
    """Return the parts of a class's metric, as `….recall` and `bird`; None for other metrics."""
    match = OF_CLASS.fullmatch(path)
    return ClassMetric(*match.groups()) if match else None


def evaluation_of(path: str) -> str | None:
    """Return the evaluation that a metric is of; None for one of the run, such as a gap."""
    match = OF_EVALUATION.fullmatch(path)
    return match[2] if match else None


def in_evaluation(path: str, evaluation: str) -> str | None:
    """Return the path of the same metric in another evaluation; None for one of the run."""
    match = OF_EVALUATION.fullmatch(path)
    return f"{match[1]}.{evaluation}.{match[3]}" if match else None
