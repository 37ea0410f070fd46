"""Cancel every job of a study that waits or runs; the runs keep their checkpoints.

python -m jobs.cancel --study jobs/studies/skip.yaml
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("cancel", "python -m jobs.cancel")
