"""What one run wrote: its output and its errors in its newest job, once or as it grows.

python -m jobs.logs --study jobs/studies/skip.yaml --variant skip --seed 0 --follow
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("logs", "python -m jobs.logs")
