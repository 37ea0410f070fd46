"""One run, or several seeds of one: a variant of a study with one seed, trained, analysed and recorded in its folder.

python -m jobs.train --study jobs/studies/skip.yaml --variant skip --seed 0
"""

import sys

from alexnet_study.runs.interruption import Interruption
from jobs.command import Parser, add_training_options, finish, study_parser


def parser() -> Parser:
    """The command's options."""
    parser = study_parser("jobs.train", (__doc__ or "").splitlines()[0])
    add_training_options(parser)
    parser.add_argument("--variant", required=True, metavar="NAME", help="one of the study's variants")
    parser.add_argument(
        "--seed",
        required=True,
        metavar="N",
        help="any integer of at least 0; several, as 0,2,5 or 0-9, run in this one process",
    )
    return parser


def main() -> int:
    """Parse, check the request, then load PyTorch and run."""
    interruption = Interruption().install()  # before anything else: PyTorch's import takes seconds
    arguments = parser().parse_args()
    from alexnet_study.study.study import load_study, seeds_from_text

    study = load_study(arguments.study)
    runs = [study.run(arguments.variant, seed, arguments.set) for seed in seeds_from_text(arguments.seed)]
    from alexnet_study.data.cache import load_dataset
    from alexnet_study.errors import RunError
    from alexnet_study.training.pack import PackContext, available_device, execute_each

    context = PackContext(
        data=load_dataset(arguments.data or study.data, cache=arguments.cache),
        results=arguments.results,
        device=available_device(),
        interruption=interruption,
        inexact_resume=arguments.allow_inexact_resume,
    )
    failures: list[RunError] = []
    for run, outcome in execute_each(runs, context):
        if isinstance(outcome, RunError):
            failures.append(outcome)
            if len(runs) > 1:
                print(f"failed: {run.variant} seed {run.seed}: {outcome}", file=sys.stderr)
        else:
            top1 = ", ".join(f"{name} {figures['top1']:.2%}" for name, figures in outcome["evaluations"].items())
            print(f"{run.variant} seed {run.seed}: finished, test top-1 {top1}")
    if failures:
        raise failures[0] if len(runs) == 1 else RunError(f"{len(failures)} of {len(runs)} runs failed")
    return 0


if __name__ == "__main__":
    finish(main)
