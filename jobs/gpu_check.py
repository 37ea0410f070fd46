"""Half a minute that tells whether a GPU does what the product relies on: here, or on a node, as a job.

python -m jobs.gpu_check --profile slurm
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("gpu_check", "python -m jobs.gpu_check")
