"""A study's finished runs for other tools: TensorBoard, MLflow, CSV files, folders for the Hugging Face hub.

python -m jobs.export --to tensorboard results/skip
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("export", "python -m jobs.export")
