"""Submit the runs of a study that failed, all or those of one cause, and release its held jobs.

python -m jobs.retry --study jobs/studies/skip.yaml --cause "time limit"
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("retry", "python -m jobs.retry")
