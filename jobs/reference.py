"""A study's finished runs without their arrays, and their report, small enough to commit.

python -m jobs.reference --study jobs/studies/skip.yaml --results results --target results/reference
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("reference", "python -m jobs.reference")
