"""Half a minute that tells whether a GPU does what the product relies on: here, or on a node, as a job.

alexnet-study gpu-check --profile slurm
"""

import argparse
import functools
import os
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import Parser
from alexnet_study.errors import RequestError, RunError
from alexnet_study.shipped import PROFILES


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = Parser(prog=program, description=(__doc__ or "").splitlines()[0])
    shipped = ", ".join(PROFILES.names())
    parser.add_argument(
        "--profile", metavar="PROFILE", help=f"send it to a node: a profile's file, or one of {shipped} (here)"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="root of all results (results)"
    )
    parser.add_argument("--dry-run", action="store_true", help="with a profile: print the batch script, send nothing")
    parser.add_argument("--allow-dirty", action="store_true", help="with a profile: send code with uncommitted changes")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Check, and return 1 where a line fails; raise RequestError where there is no GPU. Or send the job."""
    arguments = parser(program).parse_args(words)
    if arguments.profile:
        return _send(arguments)
    if arguments.dry_run:
        raise RequestError("--dry-run: means nothing without a profile; expected --profile PROFILE")
    from alexnet_study.gpu import Node
    from alexnet_study.training.device import try_gpu
    from alexnet_study.training.gpu_check.checks import checks
    from alexnet_study.training.gpu_check.lines import carry_out, describe
    from alexnet_study.training.gpu_check.place import gpu

    try:
        try_gpu()
    except RunError as error:
        raise RequestError(str(error)) from None
    say = functools.partial(print, flush=True)
    for line in describe(Node.here()):
        say(line)
    return carry_out(checks(gpu()), say)


def _send(arguments: argparse.Namespace) -> int:
    from alexnet_study.cluster import gpu_check
    from alexnet_study.cluster.profiles import load_profile

    results = Path(os.path.abspath(arguments.results))
    plan = gpu_check.draft(load_profile(arguments.profile), results=results, cwd=Path.cwd())
    if arguments.dry_run:
        print(gpu_check.script(plan))
        return 0
    job = gpu_check.send(plan, allow_dirty=arguments.allow_dirty)
    print(f"job {job}: gpu-check; its lines come to {gpu_check.log(plan, job)}")
    return 0
