"""Every run of a study on this machine, then its report.

alexnet-study study --study demo
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
from alexnet_study.errors import StoppedError
from alexnet_study.runs.interruption import Interruption


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = study_parser(program, __doc__)
    add_training_options(parser)
    add_verify_option(parser)
    add_device_option(parser)
    parser.add_argument("--seeds", metavar="SEEDS", help="a count or a list such as 0,2,5 (the study's)")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Run what is not finished; a failed run is named and the others go on."""
    interruption = Interruption().install()  # before anything else: PyTorch's import takes seconds
    arguments = parser(program).parse_args(words)
    from alexnet_study.commands.checked import checked_study, tell

    study = checked_study(arguments.study)
    if arguments.seeds:
        study = study.with_seeds(arguments.seeds)
    runs = study.runs(arguments.set)
    from alexnet_study.commands.training import facts, pack_context
    from alexnet_study.errors import RunError
    from alexnet_study.report.collection import collect
    from alexnet_study.report.writing import write_report
    from alexnet_study.training.pack import execute_each

    context = pack_context(arguments, study, interruption)
    tell(study, facts(context.data), own=not arguments.data)
    finished = failed = 0
    try:
        for run, outcome in execute_each(runs, context):
            if isinstance(outcome, RunError):
                failed += 1
                print(f"failed: {run.variant} seed {run.seed}: {outcome}", file=sys.stderr)
            else:
                finished += 1
        with interruption.raising():
            print(f"analysing {finished} runs for the report", flush=True)
            page = write_report(collect(study, arguments.results), arguments.results)
    except StoppedError as error:
        error.add_note(f"{finished} of {len(runs)} runs are finished")
        raise
    print(f"{finished} of {len(runs)} runs finished; report in {page}")
    return 1 if failed else 0
