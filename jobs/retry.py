"""Submit the runs of a study that failed, all or those of one cause, and release its held jobs.

python -m jobs.retry --study jobs/studies/skip.yaml --cause "time limit"
"""

from alexnet_study.commands.ending import finish
from alexnet_study.commands.retry import main

if __name__ == "__main__":
    finish(main, "python -m jobs.retry")
