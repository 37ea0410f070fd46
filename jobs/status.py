"""Where each run of a study is: waiting, running, finished, or failed and why; with or without a SLURM.

python -m jobs.status --study jobs/studies/skip.yaml
"""

from alexnet_study.commands.ending import finish
from alexnet_study.commands.status import main

if __name__ == "__main__":
    finish(main, "python -m jobs.status")
