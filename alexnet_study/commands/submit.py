"""A study's unfinished runs as SLURM jobs, one GPU each, and the report's job behind them; returns at once.

alexnet-study submit --study skip --profile slurm
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import Parser, add_training_options, study_parser
from alexnet_study.shipped import PROFILES


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = study_parser(program, __doc__)
    add_training_options(parser)
    parser.add_argument("--seeds", metavar="SEEDS", help="a count or a list such as 0,2,5 (the study's)")
    parser.add_argument(
        "--profile",
        default="slurm",
        metavar="PROFILE",
        help=f"a profile's file, or one of {', '.join(PROFILES.names())} (slurm)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the plan and the batch scripts, send nothing")
    parser.add_argument("--verify", action="store_true", help="read finished runs whole, not for signs, to find damage")
    parser.add_argument("--allow-dirty", action="store_true", help="submit code with uncommitted changes")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Read the request, send it, and say what was sent and what was not."""
    arguments = parser(program).parse_args(words)
    import dataclasses

    from alexnet_study.cluster.printing import refusal, submission_lines
    from alexnet_study.cluster.profiles import load_profile
    from alexnet_study.cluster.submission import Request, dry_run, submit
    from alexnet_study.commands.checked import checked_study, examiner

    study = checked_study(arguments.study)
    study = dataclasses.replace(study, data=arguments.data or study.data)
    if arguments.seeds:
        study = study.with_seeds(arguments.seeds)
    profile = load_profile(arguments.profile)
    profile = dataclasses.replace(profile, inexact_resume=profile.inexact_resume or arguments.allow_inexact_resume)

    request = Request(
        study_file=arguments.study,
        study=study,
        profile=profile,
        results=Path(os.path.abspath(arguments.results)),
        cwd=Path.cwd(),
        cache=Path(os.path.abspath(arguments.cache)) if arguments.cache else None,
        overrides=tuple(arguments.set),
        allow_dirty=arguments.allow_dirty,
        verify=arguments.verify,
        examine=examiner(study, own=not arguments.data),
    )
    outcome = dry_run(request) if arguments.dry_run else submit(request)
    for note in outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    print("\n".join(submission_lines(request, outcome)))
    return refusal(outcome)
