"""Carry out one run from start, or from wherever an earlier attempt ended, to its summary."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from alexnet_study.attempts import Attempt, close_finished, job_and_restart
from alexnet_study.config import RunConfig
from alexnet_study.data import Dataset, Split, evenly_over_classes
from alexnet_study.evaluation import Analysis, epoch_figures, evaluate_epoch
from alexnet_study.fencing import Token
from alexnet_study.files import is_full
from alexnet_study.interruption import Interruption
from alexnet_study.origin import origin_of, refuse_other_origin
from alexnet_study.runs import DamagedRunError, RunFolder, full_disk, identity
from alexnet_study.training import (
    TrainingState,
    allow_tf32,
    derive_seed,
    prepare,
    read_checkpoint,
    return_freed_memory,
    train_epoch,
)

SUBSET = 5000  # training images evaluated after each epoch but the last


def execute(
    run: RunConfig,
    data: Dataset,
    results: Path,
    *,
    interruption: Interruption | None = None,
    inexact_resume: bool = False,
) -> dict[str, Any]:
    """Train, analyse and record `run` in its folder below `results`; returns the summary.

    A finished run is left alone; a damaged summary or checkpoint is reported and computed again. `inexact_resume` lets
    a checkpoint of another device model or other versions go on. RequestError where that is not allowed, or the folder
    holds another configuration; RunError where the disk is full or training diverges; ReplacedError where a newer
    attempt wants the run; StoppedError where a signal ends it.
    """
    interruption = interruption or Interruption()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    prepare(run.recipe, device)
    folder = RunFolder.of(results, run)
    fields, here = identity(run, data.content_hash), origin_of(device, run.recipe.threads)
    try:
        folder.refuse_other(fields)
        with interruption.raising():
            finished = _finished(folder)
            if finished is not None and folder.is_closed():
                return finished
            if finished is None:
                refuse_other_origin(_origins(folder), here, allowed=inexact_resume)
            job, restart = job_and_restart()
            with folder.held(job=job, restart=restart) as replaced:
                finished = _finished(folder)  # again: the attempt that was waited for may have done it
                if finished is not None:
                    close_finished(folder, replaced)
                    return finished
                _claim(folder, fields)
                with interruption.deferred():
                    return _Execution(run, data.to(device), folder, here, replaced, interruption).carry_out()
    except OSError as error:
        if not is_full(error):
            raise
        raise full_disk(error, folder) from None


class _Execution:
    def __init__(
        self,
        run: RunConfig,
        data: Dataset,
        folder: RunFolder,
        origin: dict[str, Any],
        replaced: list[Token],
        interruption: Interruption,
    ) -> None:
        self.run, self.data, self.folder = run, data, folder
        _say(run, f"on {origin['device']}" + ("" if origin["cuda"] else ": no GPU is visible"))
        self.state = state = _state(run, data, folder, data.train.labels.device)
        if origin not in state.origins:
            state.origins = [*state.origins, origin]
        indices = evenly_over_classes(data.train.labels, SUBSET)
        self.subset = Split(images=data.train.images[indices], labels=data.train.labels[indices])
        exact = {"bit_exact": len(state.origins) == 1, "origins": state.origins}
        self.attempt = Attempt(
            folder,
            replaced=replaced,
            described={"device": origin["device"], "source": data.source, **exact},
            progress=_Progress(run, state, len(data.train)),
            interruption=interruption,
        )

    def carry_out(self) -> dict[str, Any]:
        try:
            self._train()
            self.attempt.check()
            with self.attempt.interruption.raising():  # it would be done again
                summary = self._analyse()
            self.folder.write_summary(summary)
            self.attempt.end("finished")
        except BaseException as error:
            self.attempt.end_by(error)
            raise
        self.folder.drop(self.folder.checkpoint)
        return summary

    def _train(self) -> None:
        state, epochs = self.state, self.run.recipe.epochs
        if state.epoch or state.step:
            _say(self.run, f"goes on from epoch {state.epoch}, step {state.step}")
        while True:
            with _progress(self.run, state, len(self.data.train)) as bar:
                train_epoch(
                    state,
                    self.run,
                    self.data.train,
                    checkpoint=self._checkpoint,
                    due=lambda: self.attempt.due,
                    advance=bar.update,
                )
            if state.epoch == epochs - 1:
                self._checkpoint()
                return
            self._record(self._fp32(lambda: evaluate_epoch(state.model, self.data.test, self.subset)))
            state.next_epoch()
            self._checkpoint()

    def _analyse(self) -> dict[str, Any]:
        state, data = self.state, self.data
        return_freed_memory()
        seed = derive_seed("linear regressor", self.run.seed)
        analysis = self._fp32(lambda: Analysis(state.model, data, seed=seed))
        logits = torch.from_numpy(analysis.predictions["intact"]).to(data.test.labels.device)
        self._record(epoch_figures(logits, data.test.labels, analysis.train_loss, analysis.train_top1, len(data.train)))
        analysis.write_arrays(self.folder)
        return analysis.summary(state.records[-1])

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
        self.attempt.check()


class _Progress:
    """How far a run is. `images_per_second` is of training, between the last two calls that saw it advance."""

    def __init__(self, run: RunConfig, state: TrainingState, images: int) -> None:
        self.state, self.epochs, self.batch = state, run.recipe.epochs, run.recipe.batch_size
        self.steps = -(-images // self.batch)
        self.rate: float | None = None
        self._last = (self._done(), time.monotonic())

    def __call__(self) -> dict[str, Any]:
        done, now = self._done(), time.monotonic()
        before, then = self._last
        if done > before and now > then:
            self.rate = (done - before) * self.batch / (now - then)
        self._last = (done, now)
        figures = {"epoch": self.state.epoch, "epochs": self.epochs, "step": self.state.step, "steps": self.steps}
        return {**figures, "images_per_second": self.rate}

    def _done(self) -> int:
        return self.state.epoch * self.steps + self.state.step


def _finished(folder: RunFolder) -> dict[str, Any] | None:
    try:
        return folder.read_summary()
    except DamagedRunError:
        return None


def _claim(folder: RunFolder, fields: dict[str, Any]) -> None:
    folder.claim(fields)
    try:
        folder.read_summary()
    except DamagedRunError as error:
        print(f"note: {folder.path}: {error}; computing it again", file=sys.stderr)
        folder.drop(folder.summary)


def _origins(folder: RunFolder) -> list[dict[str, Any]]:
    try:
        return list(read_checkpoint(folder)["origins"]) if folder.checkpoint.exists() else []
    except DamagedRunError:
        return []  # `_state` says so


def _state(run: RunConfig, data: Dataset, folder: RunFolder, device: torch.device) -> TrainingState:
    state = TrainingState(run, len(data.classes), device)
    try:
        state.restore(folder)
    except DamagedRunError as error:
        print(f"note: {folder.path}: {error}; starting from epoch 0", file=sys.stderr)
        folder.drop(folder.checkpoint)
    return state


def _progress(run: RunConfig, state: TrainingState, images: int) -> Any:
    steps = -(-images // run.recipe.batch_size)
    label = f"{run.variant} seed {run.seed} epoch {state.epoch + 1}/{run.recipe.epochs}"
    return tqdm(total=steps, initial=state.step, desc=label, unit="step", leave=False, disable=not sys.stderr.isatty())


def _say(run: RunConfig, text: str) -> None:
    tqdm.write(f"{run.variant} seed {run.seed}: {text}", file=sys.stdout)
    sys.stdout.flush()
