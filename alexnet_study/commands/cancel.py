"""Cancel every job of a study that waits or runs; the runs keep their checkpoints.

alexnet-study cancel --study skip
"""

import os
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import study_parser


def main(program: str, words: Sequence[str]) -> int:
    """Cancel, and say what."""
    arguments = study_parser(program, __doc__).parse_args(words)
    from alexnet_study.cluster.control import cancel
    from alexnet_study.cluster.wording import count
    from alexnet_study.study.study import load_study

    live = cancel(load_study(arguments.study), Path(os.path.abspath(arguments.results)))
    jobs = list(dict.fromkeys(job.id for job in live))
    print(f"cancelled {count(len(jobs), 'job')}: {', '.join(jobs)}" if jobs else "nothing to cancel")
    return 0
