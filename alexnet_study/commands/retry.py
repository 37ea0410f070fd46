"""Submit the runs of a study that failed, all or those of one cause, and release its held jobs.

alexnet-study retry --study skip --cause "time limit"
"""

import os
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import study_parser


def main(program: str, words: Sequence[str]) -> int:
    """Release, then submit, and say what."""
    parser = study_parser(program, __doc__)
    parser.add_argument("--cause", default="", metavar="TEXT", help="only runs whose cause contains it (all)")
    parser.add_argument("--profile", metavar="PROFILE", help="another than the last submission's")
    parser.add_argument("--allow-dirty", action="store_true", help="submit code with uncommitted changes")
    arguments = parser.parse_args(words)
    from alexnet_study.cluster.control import failed, release, retry_request
    from alexnet_study.cluster.printing import refusal, submission_lines
    from alexnet_study.cluster.profiles import load_profile
    from alexnet_study.cluster.submission import submit
    from alexnet_study.cluster.wording import count
    from alexnet_study.study.study import load_study

    study, results = load_study(arguments.study), Path(os.path.abspath(arguments.results))
    released, held = release(study, results)
    if released:
        print(f"released {count(len(released), 'job')}: {', '.join(job.id for job in released)}")
    if held:
        print(f"still held, ask an administrator: {', '.join(job.id for job in held)}")
    runs = failed(study, results, arguments.cause)
    if not runs:
        print("no run failed" + (f" with a cause that contains {arguments.cause!r}" if arguments.cause else ""))
        return 0
    profile = load_profile(arguments.profile) if arguments.profile else None
    request = retry_request(study, results, runs, profile=profile, allow_dirty=arguments.allow_dirty)
    for run in runs:
        print(f"again: {run.variant} seed {run.seed}: {run.cause}")
    outcome = submit(request)
    print("\n".join(submission_lines(request, outcome)))
    return refusal(outcome)
