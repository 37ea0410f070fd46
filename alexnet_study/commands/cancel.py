"""Cancel every job of a study that waits or runs, or those of some runs; the runs keep their checkpoints.

alexnet-study cancel --study skip
"""

import os
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import add_selection, study_parser


def main(program: str, words: Sequence[str]) -> int:
    """Cancel, and say what."""
    parser = study_parser(program, __doc__)
    add_selection(parser)
    arguments = parser.parse_args(words)
    from alexnet_study.cluster.control import cancel
    from alexnet_study.cluster.status.selection import selection_from
    from alexnet_study.study.study import load_study
    from alexnet_study.wording import count

    study = load_study(arguments.study)
    selection = selection_from(study, state=arguments.state, variant=arguments.variant, seeds=arguments.seeds)
    live, left = cancel(study, Path(os.path.abspath(arguments.results)), selection)
    jobs = list(dict.fromkeys(job.id for job in live))
    print(f"cancelled {count(len(jobs), 'job')}: {', '.join(jobs)}" if jobs else "nothing to cancel")
    if left:
        print(f"left, since they have other runs too: {', '.join(dict.fromkeys(job.id for job in left))}")
    return 0
