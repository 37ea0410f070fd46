"""A study and its data, looked at before anything is trained.

python -m jobs.check --study jobs/studies/skip.yaml --data digits
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("check", "python -m jobs.check")
