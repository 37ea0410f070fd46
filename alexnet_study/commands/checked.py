"""A study that is checked before anything is done with it: by itself, and against the data."""

import sys
from pathlib import Path

from alexnet_study.errors import RequestError
from alexnet_study.report.applicability import DataFacts, check_classes, check_study, inapplicable
from alexnet_study.study.study import Study, load_study


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


def tell(study: Study, data: DataFacts, *, own: bool) -> None:
    """Print these lines, before anything is trained."""
    for line in data_notes(study, data, own=own):
        print(f"note: {line}", file=sys.stderr)
