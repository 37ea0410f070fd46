"""A study's unfinished runs as SLURM jobs, one GPU each, and the report's job behind them; returns at once.

python -m jobs.submit --study jobs/studies/skip.yaml --profile slurm
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("submit", "python -m jobs.submit")
