"""Every run of a study on this machine, then its report.

python -m jobs.study --study jobs/studies/demo.yaml
"""

import sys

from jobs.command import Parser, add_training_options, finish, study_parser


def parser() -> Parser:
    """The command's options."""
    parser = study_parser("jobs.study", (__doc__ or "").splitlines()[0])
    add_training_options(parser)
    parser.add_argument("--seeds", metavar="SEEDS", help="a count or a list such as 0,2,5 (the study's)")
    return parser


def main() -> int:
    """Run what is not finished; a failed run is named and the others go on."""
    arguments = parser().parse_args()
    import dataclasses

    from alexnet_study.study.study import load_study, seeds_from_text

    study = load_study(arguments.study)
    if arguments.seeds:
        study = dataclasses.replace(study, seeds=seeds_from_text(arguments.seeds, count=True))
    runs = study.runs(arguments.set)
    from alexnet_study.data.cache import load_dataset
    from alexnet_study.errors import RunError
    from alexnet_study.report.collect import collect
    from alexnet_study.report.page import write_report
    from alexnet_study.runs.interruption import Interruption
    from alexnet_study.training.pack import PackContext, available_device, execute_each

    context = PackContext(
        data=load_dataset(arguments.data or study.data, cache=arguments.cache),
        results=arguments.results,
        device=available_device(),
        interruption=Interruption(),
        inexact_resume=arguments.allow_inexact_resume,
    )
    failed = 0
    for run, outcome in execute_each(runs, context):
        if isinstance(outcome, RunError):
            failed += 1
            print(f"failed: {run.variant} seed {run.seed}: {outcome}", file=sys.stderr)
    page = write_report(collect(study, arguments.results), arguments.results)
    print(f"{len(runs) - failed} of {len(runs)} runs finished; report in {page}")
    return 1 if failed else 0


if __name__ == "__main__":
    finish(main)
