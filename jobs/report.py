"""From the finished runs of a study to tables, figures and a page.

python -m jobs.report --study jobs/studies/skip.yaml
"""

from alexnet_study.commands.ending import finish
from alexnet_study.commands.report import main

if __name__ == "__main__":
    finish(main, "python -m jobs.report")
