"""The product's training loop and the bare step, in turn in one process. Prints images per second of each turn as JSON.

`ours` is `train_epoch`, as `jobs.train` calls it: order, gather, normalisation, update, running sums, progress.
`bare` is forward, backward and update of the same model on one resident, normalised batch: the practical limit.

    python benchmarks/steps.py --precision bf16 --data data/cifar10-jpeg
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Split, normalise
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training.determinism import prepare
from alexnet_study.training.epoch import train_epoch
from alexnet_study.training.side_by_side import steps_on
from alexnet_study.training.state import TrainingState
from alexnet_study.training.step import autocast, cache_parts

BATCH = 256


def ours(state: TrainingState, data: Split) -> float:
    """Images per second of an epoch over `data`."""
    steps = steps_on(data.labels.device, [state], data, BATCH)
    state.epoch, state.step, state.seconds = state.epoch + 1, 0, 0.0
    train_epoch(steps, checkpoint=lambda: None, due=lambda: False, advance=lambda n: None)
    return len(data) / state.seconds


def bare(state: TrainingState, data: Split) -> float:
    """Images per second of as many steps on one batch."""
    images, labels = data.images[:BATCH], data.labels[:BATCH]
    parts = [normalise(part, statistics=state.recipe.normalisation) for part in cache_parts(state.model, images)]
    steps = len(data) // BATCH
    started = time.perf_counter()
    for _ in range(steps):
        with autocast(images.device, state.recipe.precision):
            logits = state.model.classify(torch.cat([state.model.features(part) for part in parts]))
            loss = F.cross_entropy(logits.float(), labels)
        state.optimizer.clear_gradients()
        loss.backward()
        state.optimizer.step()
    if images.is_cuda:
        torch.cuda.synchronize()
    return steps * BATCH / (time.perf_counter() - started)


def state_of(run: RunConfig, device: torch.device) -> TrainingState:
    """A fresh model and optimiser, ready to train."""
    prepare(run.recipe, device)
    state = TrainingState(run, 10, device)
    state.model.train()
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--variant", default="baseline")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="in a turn")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    study = load_study(Path("jobs/studies/skip.yaml"))
    run = study.run(arguments.variant, 0, [f"recipe.precision={arguments.precision}"])
    data = load_dataset(arguments.data).to(device).train
    part = Split(images=data.images[: BATCH * arguments.steps], labels=data.labels[: BATCH * arguments.steps])
    states = {"ours": state_of(run, device), "bare": state_of(run, device)}
    work = {"ours": ours, "bare": bare}
    for name, state in states.items():  # warm up
        work[name](state, part)
    speeds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(arguments.turns):
        for name, state in states.items():
            speeds[name].append(work[name](state, part))
    print(json.dumps(speeds))


if __name__ == "__main__":
    main()
