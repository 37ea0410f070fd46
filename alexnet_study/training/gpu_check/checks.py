"""What is checked: each a function that returns a detail to be shown, or raises what is wrong."""

import contextlib
import dataclasses
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.evaluation.evaluation import Measurements, evaluate_epoch
from alexnet_study.models import AlexNet
from alexnet_study.runs.folder import RunFolder
from alexnet_study.training.determinism import allow_tf32
from alexnet_study.training.epoch import Steps, train_epoch
from alexnet_study.training.gpu_check.place import CLASSES, TEST_IMAGES, Place, trained
from alexnet_study.training.side_by_side import (
    MOST_RUNS,
    SHARE_OF_MEMORY,
    first_error,
    first_line,
    pack_bytes,
    step_bytes,
    steps_on,
)
from alexnet_study.training.state import TrainingState

Check = tuple[str, Callable[[], str]]

SEEDS = (0, 1, 2)
STOP = 2  # steps of its first epoch that a run takes before it is stopped
SPEED_STEPS = 8  # whole steps of an epoch whose time is taken
CHILD = "alexnet_study.training.gpu_check.child"
CHILD_SECONDS = 300.0
# How near an analysis on a GPU is to the CPU's: nats, shares of variance, and shares of test images.
LOSS_TOLERANCE, VARIANCE_TOLERANCE, TOP1_TOLERANCE = 1e-4, 1e-5, 1 / TEST_IMAGES
REGRESSOR_TOLERANCE = 0.05  # leave-one-out may choose another of two strengths that are as good


class FailedCheckError(Exception):
    """A check found what the product can't work with; the text says what."""


class _StopError(Exception):
    """Ends an epoch where a run is to be stopped."""


def checks(place: Place) -> Iterator[Check]:
    """Yield every check with its name, in the order in which one builds on another."""
    for structure, precision in place.cases():
        yield f"step of {structure} in {precision}", partial(step, place, structure, precision)
    yield "capture of whole and last batch", partial(capture, place)
    yield "graph = eager", partial(graph_is_eager, place)
    yield "pack = alone", partial(pack_is_alone, place)
    yield "resumed = undisturbed", partial(resumed_is_undisturbed, place)
    yield "captured again after an evaluation", partial(captured_again, place)
    yield "two processes alike", partial(two_processes, place)
    yield "analysis twice alike", partial(analysis_twice, place)
    yield "analysis near the CPU's", partial(analysis_near_cpu, place)
    for runs in (1, MOST_RUNS):
        yield f"memory of {runs} side by side", partial(memory, place, runs)
    for precision in place.precisions:
        yield f"images per second in {precision}", partial(speed, place, precision)


def step(place: Place, structure: str, precision: str) -> str:
    """Take plain steps in deterministic mode; the loss is a number."""
    (state,) = states = place.states(structure, precision)
    trained(place.eager(states, place.data()))
    loss, _, images = state.sums.tolist()
    if not math.isfinite(loss):
        raise FailedCheckError(f"the loss is {loss}")
    return f"loss {loss / images:.3f}"


def capture(place: Place) -> str:
    """Capture every case."""
    data = place.data()
    for structure, precision in place.cases():
        with _named(structure, precision):
            place.graph(place.states(structure, precision), data)
    return f"{len(list(place.cases()))} captured"


def graph_is_eager(place: Place) -> str:
    """Train two epochs by each kind of steps."""
    data = place.data()

    def both(structure: str, precision: str) -> tuple[object, object]:
        eager = trained(place.eager(place.states(structure, precision), data), 2)
        return trained(place.graph(place.states(structure, precision), data), 2), eager

    return _all_alike(place, both)


def pack_is_alone(place: Place) -> str:
    """Train three seeds in one graph, and each in its own."""
    data = place.data()

    def both(structure: str, precision: str) -> tuple[object, object]:
        alone = [trained(place.graph(place.states(structure, precision, [seed]), data)) for seed in SEEDS]
        return trained(place.graph(place.states(structure, precision, SEEDS), data)), [
            bits for each in alone for bits in each
        ]

    return _all_alike(place, both)


def resumed_is_undisturbed(place: Place) -> str:
    """Stop in mid-epoch, write a checkpoint, and go on from it in another state and graph."""
    data = place.data()

    def both(structure: str, precision: str) -> tuple[object, object]:
        undisturbed = trained(place.graph(place.states(structure, precision), data), 2)
        return _trained_with_a_stop(place, data, structure, precision), undisturbed

    return _all_alike(place, both)


def captured_again(place: Place) -> str:
    """Train, evaluate, and train on by a new graph, as after a run of the pack failed."""
    data = place.data()

    def both(structure: str, precision: str) -> tuple[object, object]:
        eager = place.states(structure, precision, SEEDS)
        trained(place.eager(eager, data))
        expected = trained(place.eager(eager[:2], data))
        states = place.states(structure, precision, SEEDS)
        trained(place.graph(states, data))
        for state in states:
            evaluate_epoch(state.model, data.test, data.train)
        return trained(place.graph(states[:2], data)), expected

    return _all_alike(place, both)


def two_processes(place: Place) -> str:
    """Train the same in a process of its own."""
    words = [place.device.type, json.dumps(dataclasses.asdict(place.model)), str(place.batch_size)]
    command = [sys.executable, "-m", CHILD, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_SECONDS, check=False)
    if done.returncode:
        last_words = (done.stderr.splitlines() or [""])[-1]
        raise FailedCheckError(f"the other process ended with {done.returncode}: {last_words}")
    if done.stdout.strip() != digest_here(place):
        raise FailedCheckError("the bits differ between two processes")
    return "same bits"


def digest_here(place: Place) -> str:
    """Return the bits of a short training by the steps that a run takes."""
    data, states = place.data(), place.states("skip", "fp32")
    return trained(steps_on(place.device, states, data.train, place.batch_size))[0]


def analysis_twice(place: Place) -> str:
    """Analyse one model twice."""
    model, data = _trained_model(place), place.data()
    first, second = (_analysed(model, data) for _ in range(2))
    if (first.evaluations, first.regressors) != (second.evaluations, second.regressors):
        raise FailedCheckError("the figures differ from one time to the next")
    return "same bits"


def analysis_near_cpu(place: Place) -> str:
    """Analyse one model here and on the CPU; return how far losses and shares of variance lie apart."""
    model, data = _trained_model(place), place.data()
    here = _analysed(model, data)
    cpu = torch.device("cpu")
    there = _analysed(model.to(cpu), data.to(cpu))
    losses, variances = [], []
    for name, expected in there.evaluations.items():
        found = here.evaluations[name]
        losses.append(abs(found.loss - expected.loss))
        pairs = [each.pca.explained_variance_ratio for each in (found, expected) if each.pca is not None]
        variances += [abs(a - b) for a, b in zip(*pairs, strict=True)]
        _near(f"{name} top-1", found.top1, expected.top1, TOP1_TOLERANCE)
        for stage, score in there.regressors[name].by_stage.items():
            near = here.regressors[name].by_stage[stage].top1
            _near(f"{name} linear regressor at {stage}", near, score.top1, REGRESSOR_TOLERANCE)
    _near("the loss", max(losses), 0.0, LOSS_TOLERANCE)
    _near("the shares of variance", max(variances), 0.0, VARIANCE_TOLERANCE)
    return f"loss within {max(losses):.1e} nats, shares of variance within {max(variances):.1e}"


def memory(place: Place, runs: int) -> str:
    """Take steps of so many runs side by side; the memory that this takes is within what a pack is planned by."""
    data, runs = place.data(), min(runs, place.most("fp32"))
    kept: list[TrainingState] = []

    def work() -> Steps:
        kept.extend(place.states("skip", "fp32", range(runs)))
        steps = place.graph(kept, data)
        trained(steps)
        return steps

    tensors = step_bytes(place.structures["skip"], CLASSES, place.recipe("fp32"))
    taken, planned = place.peak(work), pack_bytes(runs, tensors)
    text = f"{runs} in {taken / 2**30:.2f} GiB, estimated {planned / 2**30:.2f}"
    if taken > planned / SHARE_OF_MEMORY:
        raise FailedCheckError(f"{text}: packs would be too large")
    return text


def speed(place: Place, precision: str) -> str:
    """Return the images per second of a run by plain steps, by a graph, and of a pack together."""
    data, most = place.data(SPEED_STEPS), place.most(precision)
    eager = _rate(place.eager(place.states("skip", precision), data))
    alone = _rate(place.graph(place.states("skip", precision), data))
    pack = _rate(place.graph(place.states("skip", precision, range(most)), data))
    return f"eager {eager:,.0f}, graph {alone:,.0f}, {most} side by side {pack:,.0f} together"


def _rate(steps: Steps) -> float:
    trained(steps)  # what is done once
    for state in steps.states:
        state.seconds = 0.0
    trained(steps)
    return len(steps.states) * len(steps.data) / sum(state.seconds for state in steps.states)


def _trained_with_a_stop(place: Place, data: Dataset, structure: str, precision: str) -> list[str]:
    (first,) = states = place.states(structure, precision)
    steps = place.graph(states, data)

    def stop() -> None:
        raise _StopError

    with contextlib.suppress(_StopError):
        train_epoch(steps, checkpoint=stop, due=lambda: first.step == STOP, advance=lambda _: None)
    (second,) = states = place.states(structure, precision)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        with folder.held(job="gpu-check", restart=0):
            first.save(folder)
        second.restore(folder)
    return trained(place.graph(states, data), 2)


def _trained_model(place: Place) -> AlexNet:
    (state,) = states = place.states("skip", "fp32")
    trained(place.eager(states, place.data()))
    return state.model


def _analysed(model: AlexNet, data: Dataset) -> Measurements:
    allow_tf32(False)
    return Measurements(model, data, seed=0)


def _near(what: str, found: float, expected: float, tolerance: float) -> None:
    if not abs(found - expected) <= tolerance * (1 + 1e-9):
        raise FailedCheckError(f"{what} is {found - expected:+.2e} from the CPU's; expected within {tolerance:.0e}")


@contextlib.contextmanager
def _named(structure: str, precision: str) -> Iterator[None]:
    """Raise FailedCheckError with the case's name where it can't be computed."""
    try:
        yield
    except RuntimeError as error:  # PyTorch's errors of every kind
        raise FailedCheckError(f"{structure} in {precision}: {first_line(first_error(error))}") from error


def _all_alike(place: Place, both: Callable[[str, str], tuple[object, object]]) -> str:
    """Return how many cases have the same bits; raise FailedCheckError with the names of those that don't."""
    different = []
    for structure, precision in place.cases():
        with _named(structure, precision):
            found, expected = both(structure, precision)
        if found != expected:
            different.append(f"{structure} in {precision}")
    if different:
        raise FailedCheckError(f"the bits differ: {', '.join(different)}")
    return f"same bits in {len(list(place.cases()))} cases"
