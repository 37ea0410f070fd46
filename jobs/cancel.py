"""Cancel every job of a study that waits or runs; the runs keep their checkpoints.

python -m jobs.cancel --study jobs/studies/skip.yaml
"""

import os
from pathlib import Path

from jobs.command import finish, study_parser


def main() -> int:
    """Cancel, and say what."""
    arguments = study_parser("jobs.cancel", (__doc__ or "").splitlines()[0]).parse_args()
    from alexnet_study.cluster.control import cancel
    from alexnet_study.cluster.wording import count
    from alexnet_study.study.study import load_study

    live = cancel(load_study(arguments.study), Path(os.path.abspath(arguments.results)))
    jobs = list(dict.fromkeys(job.id for job in live))
    print(f"cancelled {count(len(jobs), 'job')}: {', '.join(jobs)}" if jobs else "nothing to cancel")
    return 0


if __name__ == "__main__":
    finish(main)
