"""Evaluation during training and the analysis at a run's end, on the whole data set. Prints seconds as JSON.

python benchmarks/analysis.py --data data/cifar10-jpeg
"""

import argparse
import json
import time
from pathlib import Path

import torch

from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Split, evenly_over_classes
from alexnet_study.evaluation.evaluation import Measurements, evaluate_epoch
from alexnet_study.study.study import load_study
from alexnet_study.training.determinism import prepare
from alexnet_study.training.run import SUBSET
from alexnet_study.training.state import TrainingState


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--variant", default="skip")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = load_study(Path("jobs/studies/skip.yaml")).run(arguments.variant, 0)
    prepare(run.recipe, device)
    data = load_dataset(arguments.data).to(device)
    model = TrainingState(run, len(data.classes), device).model
    chosen = evenly_over_classes(data.train.labels, SUBSET)
    subset = Split(images=data.train.images[chosen], labels=data.train.labels[chosen])
    evaluate_epoch(model, data.test, subset)  # warm up
    started = time.perf_counter()
    evaluate_epoch(model, data.test, subset)
    evaluated = time.perf_counter()
    Measurements(model, data, seed=0)
    print(json.dumps({"evaluation": evaluated - started, "analysis": time.perf_counter() - evaluated}))


if __name__ == "__main__":
    main()
