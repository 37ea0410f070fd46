"""What the status tells of a study's unfinished runs, for its report, which knows of no cluster."""

import os
import sys
import time
from pathlib import Path

from alexnet_study.cluster.status.study_status import study_status
from alexnet_study.errors import RequestError
from alexnet_study.report.underway import Underway, UnfinishedRun
from alexnet_study.study.study import Study

LEFT = frozenset(("finished", "not sent"))  # the report has these, or says that they were not run


def underway(study: Study, results: Path) -> Underway | None:
    """Return the states of the runs that began or were sent and are not finished; None where nobody can tell."""
    try:
        status = study_status(study, Path(os.path.abspath(results)))
    except RequestError as error:  # a submission of another version: no reason to make no report
        print(f"note: the states of unfinished runs are not known: {error}", file=sys.stderr)
        return None
    return Underway(
        time=time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        runs=tuple(
            UnfinishedRun(variant=run.variant, seed=run.seed, state=run.state, detail=run.detail)
            for run in status.runs
            if run.state not in LEFT
        ),
        notes=tuple(f"{note[0].upper()}{note[1:]}." for note in status.notes),
    )
