"""Where each run of a study is: waiting, running, finished, or failed and why; with or without a SLURM.

python -m jobs.status --study jobs/studies/skip.yaml
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("status", "python -m jobs.status")
