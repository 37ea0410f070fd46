"""A study and its data before anything is trained: classes, images, claims, runs that exist, time and disk.

alexnet-study check --study skip --data digits
"""

from collections.abc import Sequence

from alexnet_study.commands.options import Parser, add_data_options, add_device_option, add_verify_option, study_parser


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = study_parser(program, __doc__)
    add_data_options(parser)
    add_verify_option(parser)
    add_device_option(parser)
    parser.add_argument("--seeds", metavar="SEEDS", help="a count or a list such as 0,2,5 (the study's)")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Check the study, decode the data, time a few steps where no run is finished; print what a person would ask."""
    arguments = parser(program).parse_args(words)
    from alexnet_study.commands.checked import checked_study

    study = checked_study(arguments.study)
    if arguments.seeds:
        study = study.with_seeds(arguments.seeds)
    runs = study.runs(arguments.set)
    from alexnet_study.commands.check_lines import claim_lines, data_lines, image_lines, run_lines, study_lines
    from alexnet_study.commands.training import facts
    from alexnet_study.data.cache import load_dataset
    from alexnet_study.data.sources import source_named
    from alexnet_study.training.device import usable_device

    name = arguments.data or study.data
    source = source_named(name)
    device = usable_device(arguments.device)
    data = load_dataset(name, cache=arguments.cache, verify=arguments.verify)
    for lines in (  # all of these before the first is printed, since one may refuse the request
        study_lines(study),
        data_lines(data),
        image_lines(source, data),
        claim_lines(study, facts(data), own=not arguments.data),
    ):
        print("\n".join(lines), flush=True)
    print("\n".join(run_lines(runs, data, arguments.results, device)))  # takes seconds where steps are timed
    return 0
