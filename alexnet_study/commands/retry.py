"""Submit the runs of a study that failed, all or those of one cause, and release its held jobs.

alexnet-study retry --study skip --cause "time limit" --minutes 120
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alexnet_study.commands.options import Parser, add_selection, study_parser

if TYPE_CHECKING:
    from argparse import Namespace

    from alexnet_study.cluster.plans.profile import Profile
    from alexnet_study.cluster.status.selection import Selection
    from alexnet_study.cluster.status.study_status import RunStatus
    from alexnet_study.cluster.submission import Request
    from alexnet_study.study.study import Study


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = study_parser(program, __doc__)
    add_selection(parser)
    parser.add_argument("--cause", default="", metavar="TEXT", help="only runs whose cause contains it (all)")
    parser.add_argument("--profile", metavar="PROFILE", help="another than the last submission's")
    parser.add_argument("--minutes", type=int, metavar="N", help="another time limit than the profile's")
    parser.add_argument("--allow-dirty", action="store_true", help="submit code with uncommitted changes")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Release, then submit, and say what."""
    arguments = parser(program).parse_args(words)
    from alexnet_study.cluster.control import failed
    from alexnet_study.cluster.profiles import load_profile
    from alexnet_study.cluster.status.selection import selection_from
    from alexnet_study.study.study import load_study

    profile = load_profile(arguments.profile) if arguments.profile else None
    study, results = load_study(arguments.study), Path(os.path.abspath(arguments.results))
    selection = selection_from(study, state=arguments.state, variant=arguments.variant, seeds=arguments.seeds)
    if not arguments.cause:  # a held job has none
        _release(study, results, selection)
    runs = failed(study, results, arguments.cause, selection=selection)
    if runs:
        return _send_runs(study, results, runs, profile, arguments)
    if not selection and (code := _send_report(study, results, profile, arguments)) is not None:
        return code
    print("no run failed" + (f" with a cause that contains {arguments.cause!r}" if arguments.cause else ""))
    return 0


def _release(study: "Study", results: Path, selection: "Selection") -> None:
    """Release the held jobs of the selected runs, and say which stay so."""
    from alexnet_study.cluster.control import release
    from alexnet_study.wording import count

    released, held = release(study, results, selection)
    if released:
        print(f"released {count(len(released), 'job')}: {', '.join(job.id for job in released)}")
    if held:
        print(f"still held, ask an administrator, or who sent them: {', '.join(job.id for job in held)}")


def _send_report(study: "Study", results: Path, profile: "Profile | None", arguments: "Namespace") -> int | None:
    """Send the report's job again where it failed, or where SLURM took none; return None where neither is so."""
    from alexnet_study.cluster.control import plans_report, report_request
    from alexnet_study.cluster.status.study_status import study_status

    report = study_status(study, results).report
    missing = report.name == "not sent" and not arguments.cause and plans_report(study, results)
    failed = report.name == "failed" and arguments.cause.lower() in report.detail.lower()
    if not (missing or failed):
        return None
    request = report_request(study, results, profile=profile, allow_dirty=arguments.allow_dirty)
    print(f"again: report: {report.detail or report.name}")
    return _send(request)


def _send_runs(
    study: "Study", results: Path, runs: "list[RunStatus]", profile: "Profile | None", arguments: "Namespace"
) -> int:
    """Send runs again, each as its last submission had it, and say what can't be sent."""
    from alexnet_study.cluster.control import retry_requests

    requests, lost = retry_requests(
        study, results, runs, profile=profile, minutes=arguments.minutes, allow_dirty=arguments.allow_dirty
    )
    for run, reason in lost:
        print(f"error: cannot send {run.variant} seed {run.seed}: {reason}", file=sys.stderr)
    code = 1 if lost else 0
    for request in requests:
        if request.profile.exclude:
            print(f"excluded nodes: {request.profile.exclude}")
        for run in runs:
            if request.only and (run.variant, run.seed) in request.only:
                print(f"again: {run.variant} seed {run.seed}: {run.cause}")
        code = max(code, _send(request))
    return code


def _send(request: "Request") -> int:
    """Submit, say what was sent, and return the exit code."""
    import dataclasses

    from alexnet_study.cluster.printing import refusal, submission_lines
    from alexnet_study.cluster.submission import submit
    from alexnet_study.commands.checked import examiner

    # What was sent once has no misspelt class, or the user's own choice of data.
    outcome = submit(dataclasses.replace(request, examine=examiner(request.study, own=False)))
    for note in outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    print("\n".join(submission_lines(request, outcome)))
    return refusal(outcome)
