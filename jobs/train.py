"""One run: a variant of a study with one seed, trained, analysed and recorded in its folder.

python -m jobs.train --study jobs/studies/skip.yaml --variant skip --seed 0
"""

from alexnet_study.interruption import Interruption
from jobs.command import Parser, add_training_options, finish, study_parser


def parser() -> Parser:
    """The command's options."""
    parser = study_parser("jobs.train", (__doc__ or "").splitlines()[0])
    add_training_options(parser)
    parser.add_argument("--variant", required=True, metavar="NAME", help="one of the study's variants")
    parser.add_argument("--seed", required=True, type=int, metavar="N", help="any integer of at least 0")
    return parser


def main() -> int:
    """Parse, check the request, then load PyTorch and run."""
    interruption = Interruption().install()  # before anything else: PyTorch's import takes seconds
    arguments = parser().parse_args()
    from alexnet_study.config import load_study, parse_seeds

    study = load_study(arguments.study)
    parse_seeds([arguments.seed])
    run = study.run(arguments.variant, arguments.seed, arguments.set)
    from alexnet_study.data import load_dataset
    from alexnet_study.execution import execute

    summary = execute(
        run,
        load_dataset(arguments.data or study.data, cache=arguments.cache),
        arguments.results,
        interruption=interruption,
        inexact_resume=arguments.allow_inexact_resume,
    )
    top1 = ", ".join(f"{name} {figures['top1']:.2%}" for name, figures in summary["evaluations"].items())
    print(f"{run.variant} seed {run.seed}: finished, test top-1 {top1}")
    return 0


if __name__ == "__main__":
    finish(main)
