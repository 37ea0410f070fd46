"""Carry out one run from start, or from wherever an earlier attempt ended, to its summary."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from alexnet_study.config import RunConfig
from alexnet_study.data import Dataset, Split, evenly_over_classes
from alexnet_study.evaluation import Analysis, epoch_figures, evaluate_epoch
from alexnet_study.runs import Attempt, DamagedRunError, RunFolder, full_disk, identity, is_full
from alexnet_study.training import TrainingState, allow_tf32, derive_seed, prepare, train_epoch

SUBSET = 5000  # training images evaluated after each epoch but the last


def execute(run: RunConfig, data: Dataset, results: Path) -> dict[str, Any]:
    """Train, analyse and record `run` in its folder below `results`; returns the summary.

    A finished run is left alone; a damaged summary or checkpoint is reported and computed again. RequestError where the
    folder holds another configuration; RunError where the disk is full or training diverges.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    prepare(run.recipe, device)
    folder = RunFolder.of(results, run)
    try:
        folder.claim(identity(run, data.content_hash))
        folder.clean()
        finished = _finished(folder)
        return finished if finished is not None else _Execution(run, data.to(device), folder, device).carry_out()
    except OSError as error:
        if not is_full(error):
            raise
        raise full_disk(error, folder) from None


class _Execution:
    def __init__(self, run: RunConfig, data: Dataset, folder: RunFolder, device: torch.device) -> None:
        self.run, self.data, self.folder = run, data, folder
        self.state = _state(run, data, folder, device)
        indices = evenly_over_classes(data.train.labels, SUBSET)
        self.subset = Split(images=data.train.images[indices], labels=data.train.labels[indices])
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {run.recipe.threads} threads"
        self.attempt = Attempt(folder, source=data.source, device=name, first_epoch=self.state.epoch)

    def carry_out(self) -> dict[str, Any]:
        try:
            self._train()
            summary = self._analyse()
        except BaseException as error:
            self._end_attempt(error)
            raise
        self.attempt.end("finished")
        self.folder.checkpoint.unlink(missing_ok=True)
        return summary

    def _train(self) -> None:
        state, epochs = self.state, self.run.recipe.epochs
        if state.epoch or state.step:
            _say(self.run, f"goes on from epoch {state.epoch}, step {state.step}")
        while True:
            with _progress(self.run, state, len(self.data.train)) as bar:
                train_epoch(state, self.run, self.data.train, checkpoint=self._checkpoint, advance=bar.update)
            if state.epoch == epochs - 1:
                self._checkpoint()
                return
            self._record(self._fp32(lambda: evaluate_epoch(state.model, self.data.test, self.subset)))
            state.next_epoch()
            self._checkpoint()

    def _analyse(self) -> dict[str, Any]:
        state, data = self.state, self.data
        seed = derive_seed("linear regressor", self.run.seed)
        analysis = self._fp32(lambda: Analysis(state.model, data, seed=seed))
        logits = torch.from_numpy(analysis.predictions["intact"]).to(data.test.labels.device)
        self._record(epoch_figures(logits, data.test.labels, analysis.train_loss, analysis.train_top1, len(data.train)))
        analysis.write_arrays(self.folder)
        summary = analysis.summary(state.records[-1])
        self.folder.write_summary(summary)
        return summary

    def _fp32(self, work: Callable[[], Any]) -> Any:
        allow_tf32(False)
        try:
            return work()
        finally:
            allow_tf32(self.run.recipe.precision == "tf32")

    def _record(self, figures: dict[str, Any]) -> None:
        state = self.state
        speed = {"seconds": state.seconds, "images_per_second": len(self.data.train) / state.seconds}
        state.records.append({"epoch": state.epoch, **state.running(), **figures, **speed})
        self.folder.write_metrics(state.records)
        last = state.records[-1]
        text = f"train loss {last['train_loss']:.4f}, test top-1 {last['test_top1']:.2%}"
        _say(self.run, f"epoch {state.epoch}: {text}, {last['images_per_second']:.0f} images/s")

    def _checkpoint(self) -> None:
        self.state.save(self.folder)
        self.attempt.heartbeat()

    def _end_attempt(self, error: BaseException) -> None:
        cause = f"{type(error).__name__}: {error}".strip(": ").splitlines()[0]
        try:
            self.attempt.end(cause)
        except OSError as second:  # the full disk that ended the attempt
            print(f"note: {self.folder.provenance}: {second.strerror}", file=sys.stderr)


def _finished(folder: RunFolder) -> dict[str, Any] | None:
    try:
        return folder.read_summary()
    except DamagedRunError as error:
        print(f"note: {folder.path}: {error}; computing it again", file=sys.stderr)
        folder.summary.unlink(missing_ok=True)
        return None


def _state(run: RunConfig, data: Dataset, folder: RunFolder, device: torch.device) -> TrainingState:
    state = TrainingState(run, len(data.classes), device)
    try:
        state.restore(folder)
    except DamagedRunError as error:
        print(f"note: {folder.path}: {error}; starting from epoch 0", file=sys.stderr)
        folder.checkpoint.unlink()
    return state


def _progress(run: RunConfig, state: TrainingState, images: int) -> Any:
    steps = -(-images // run.recipe.batch_size)
    label = f"{run.variant} seed {run.seed} epoch {state.epoch + 1}/{run.recipe.epochs}"
    return tqdm(total=steps, initial=state.step, desc=label, unit="step", leave=False, disable=not sys.stderr.isatty())


def _say(run: RunConfig, text: str) -> None:
    tqdm.write(f"{run.variant} seed {run.seed}: {text}", file=sys.stdout)
    sys.stdout.flush()
