"""One run, or several seeds of one: a variant of a study with one seed, trained, analysed and recorded in its folder.

alexnet-study train --study skip --variant skip --seed 0
"""

import sys
from collections.abc import Sequence

from alexnet_study.commands.options import (
    Parser,
    add_device_option,
    add_training_options,
    add_verify_option,
    study_parser,
)
from alexnet_study.runs.interruption import Interruption


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = study_parser(program, __doc__)
    add_training_options(parser)
    add_verify_option(parser)
    add_device_option(parser)
    parser.add_argument("--variant", required=True, metavar="NAME", help="one of the study's variants")
    parser.add_argument(
        "--seed",
        required=True,
        metavar="N",
        help="any integer of at least 0; several, as 0,2,5 or 0-9, run in this one process",
    )
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Parse, check the request, then load PyTorch and run."""
    interruption = Interruption().install()  # before anything else: PyTorch's import takes seconds
    arguments = parser(program).parse_args(words)
    from alexnet_study.commands.checked import checked_study, tell
    from alexnet_study.study.study import seeds_from_text

    study = checked_study(arguments.study)
    runs = [study.run(arguments.variant, seed, arguments.set) for seed in seeds_from_text(arguments.seed)]
    from alexnet_study.commands.training import facts, pack_context
    from alexnet_study.errors import RunError
    from alexnet_study.training.pack import execute_each

    context = pack_context(arguments, study, interruption)
    tell(study, facts(context.data), own=not arguments.data)
    failures: list[RunError] = []
    for run, outcome in execute_each(runs, context):
        if isinstance(outcome, RunError):
            failures.append(outcome)
            if len(runs) > 1:
                print(f"failed: {run.variant} seed {run.seed}: {outcome}", file=sys.stderr)
        else:
            top1 = ", ".join(f"{name} {own.top1:.2%}" for name, own in outcome.evaluations.items())
            print(f"{run.variant} seed {run.seed}: finished, test top-1 {top1}")
    if failures:
        raise failures[0] if len(runs) == 1 else RunError(f"{len(failures)} of {len(runs)} runs failed")
    return 0
