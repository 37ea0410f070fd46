"""Every run of a study on this machine, one after another, then its report.

python -m jobs.study --study jobs/studies/demo.yaml
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("study", "python -m jobs.study")
