"""From the finished runs of a study to tables, figures and a page.

python -m jobs.report --study jobs/studies/skip.yaml
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("report", "python -m jobs.report")
