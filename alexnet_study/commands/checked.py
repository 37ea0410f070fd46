"""A study that is checked before anything is done with it: by itself, and against the data."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from alexnet_study.errors import RequestError
from alexnet_study.report.applicability import DataFacts, check_classes, check_study, inapplicable
from alexnet_study.study.study import Study, load_study

if TYPE_CHECKING:
    from alexnet_study.cluster.node.staging import PreparedData


def checked_study(path: Path) -> Study:
    """Return the study of a file; RequestError names the file and a metric that no run of it could have."""
    study = load_study(path)
    try:
        check_study(study)
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None
    return study


def data_notes(study: Study, data: DataFacts, *, own: bool) -> list[str]:
    """Return a line for each claim that the data can't judge, and for the published figures.

    Raise RequestError where the data is the study's `own` and a claim's class is misspelt.
    """
    if own:
        check_classes(study, data)
    return [str(entry) for entry in inapplicable(study, data)]


def examiner(study: Study, *, own: bool) -> "Callable[[PreparedData], list[str]]":
    """Return what looks at the data of a submission before anything is sent, as `data_notes` does."""

    def examine(data: "PreparedData") -> list[str]:
        known = DataFacts(kind=data.kind, classes=data.classes, test_images=data.test_images)
        return data_notes(study, known, own=own)

    return examine


def tell(study: Study, data: DataFacts, *, own: bool) -> None:
    """Print these lines, before anything is trained."""
    for line in data_notes(study, data, own=own):
        print(f"note: {line}", file=sys.stderr)
