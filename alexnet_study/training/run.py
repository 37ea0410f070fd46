"""One run while a process holds its folder: its training state, its record, its measurements."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TypeVar

import torch
from tqdm import tqdm

from alexnet_study.data.dataset import Dataset, Split, evenly_over_classes
from alexnet_study.errors import DamagedRunError, RunError, StoppedError, notes_of
from alexnet_study.evaluation.evaluation import EpochEvaluation, Measurements, epoch_evaluation, evaluate_epoch
from alexnet_study.files import is_full
from alexnet_study.runs.attempts import OngoingAttempt
from alexnet_study.runs.fencing import Token
from alexnet_study.runs.folder import RunFolder, full_disk
from alexnet_study.runs.interruption import Interruption
from alexnet_study.runs.records import EpochRecord, Origin, Progress, Summary, place_text
from alexnet_study.study.configs import RunConfig
from alexnet_study.training.determinism import allow_tf32, derive_seed, return_freed_memory
from alexnet_study.training.state import TrainingState
from alexnet_study.training.whitening import whiten
from alexnet_study.weights import weights_file

T = TypeVar("T")
NOTHING_KEPT = "nothing was kept yet"
SUBSET = 5000  # training images evaluated after each epoch but the last


class Execution:
    """A run whose folder is held: made, it says how far the run is; `failure` is what took it out of its pack."""

    def __init__(
        self,
        run: RunConfig,
        data: Dataset,
        folder: RunFolder,
        origin: Origin,
        replaced: list[Token],
        interruption: Interruption,
        keep: tuple[str, ...],
    ) -> None:
        self.run, self.data, self.folder, self.keep = run, data, folder, keep
        self.failure: RunError | None = None
        self.trained = False
        self.finished = False
        say(run, f"on {origin.device}")
        self.state = state = _state(run, data, folder, data.train.labels.device)
        self._saved = self.place
        if origin not in state.origins:
            state.origins = (*state.origins, origin)
        indices = evenly_over_classes(data.train.labels, SUBSET)
        self.subset = Split(images=data.train.images[indices], labels=data.train.labels[indices])
        self.attempt = OngoingAttempt(
            folder,
            replaced=replaced,
            device=origin.device,
            source=data.source,
            origins=state.origins,
            progress=_ProgressMeter(run, state, len(data.train)),
            interruption=interruption,
        )

    @property
    def place(self) -> tuple[int, int]:
        """Return the epoch and step that come next."""
        return self.state.epoch, self.state.step

    @property
    def goes_on(self) -> bool:
        """Return whether there is something left to train, and nothing failed."""
        return not self.trained and self.failure is None

    @property
    def due(self) -> bool:
        """Return whether to save and end: a signal came, or a newer attempt waits."""
        return self.failure is None and self.attempt.due

    def announce(self) -> None:
        """Say where the run goes on, unless it starts."""
        if any(self.place):
            say(self.run, f"goes on from {place_text(*self.place)}")

    def attempt_to(self, work: Callable[[], None]) -> None:
        """Do `work` unless the run has failed; a RunError, or a full disk, is its failure and goes no further."""
        if self.failure is None:
            try:
                with one_line_if_full(self.folder):
                    work()
            except RunError as error:
                self.end_by(error)

    def end_epoch(self) -> None:
        """Record the epoch that was trained, but the last, which `outcome` records; RunError if training diverged."""
        self.state.check()
        if self.state.epoch == self.run.recipe.epochs - 1:
            self.trained = True
            return
        normalisation = self.run.recipe.normalisation
        model, test = self.state.model, self.data.test
        self._record(self._evaluated(lambda: evaluate_epoch(model, test, self.subset, normalisation=normalisation)))
        self.state.next_epoch()

    def save(self) -> None:
        """Write the checkpoint, unless it holds this place already."""
        if self.place != self._saved:
            self.state.save(self.folder)
            self._saved = self.place

    def outcome(self) -> Summary | RunError:
        """Measure the trained model and write the summary; return that, or the failure."""
        written: list[Summary] = []
        self.attempt_to(lambda: written.append(self._finish()))
        return self.failure or written[0]

    def end_by(self, error: BaseException) -> None:
        """Record what ended the run before it was finished, once; save first where a signal leaves the time for it."""
        if self.failure is None and not self.finished:
            if isinstance(error, StoppedError) and self.trained:
                self._save_if_possible()
            self.failure = error if isinstance(error, RunError) else None
            self.attempt.end_by(error)
            if isinstance(error, StoppedError):
                error.add_note(f"kept up to {place_text(*self._saved)}" if any(self._saved) else NOTHING_KEPT)

    def _finish(self) -> Summary:
        if self.attempt.due:
            self.save()
        self.attempt.check()
        trained = list(self.state.records)
        try:
            with self.attempt.interruption.raising():  # it would be done again
                summary = self._measure()
        except StoppedError:
            self.state.records = trained  # the last epoch's is made again, too
            raise
        summary = self.folder.write_summary(summary)
        self.attempt.end("finished")
        self.folder.drop(self.folder.checkpoint)
        self.finished = True
        return summary

    def _save_if_possible(self) -> None:
        try:
            self.save()
        except (OSError, RunError) as error:  # the disk is full, or a newer attempt holds the folder
            print(f"note: {self.folder.checkpoint}: {error}", file=sys.stderr)

    def _measure(self) -> Summary:
        state, data = self.state, self.data
        return_freed_memory()
        seed = derive_seed("linear regressor", self.run.seed)

        def tell(what: str) -> None:
            say(self.run, f"analyses: {what}")

        measure, normalisation = self.run.measure, self.run.recipe.normalisation
        found = self._evaluated(
            lambda: Measurements(state.model, data, seed=seed, measure=measure, normalisation=normalisation, tell=tell)
        )
        logits = torch.from_numpy(found.predictions["intact"]).to(data.test.labels.device)
        self._record(epoch_evaluation(logits, data.test.labels, found.train_loss, found.train_top1, len(data.train)))
        self._write_what_is_kept(found)
        return found.summary(state.records[-1])

    def _write_what_is_kept(self, found: Measurements) -> None:
        """Write the arrays and the weights that the study keeps; drop what an earlier attempt kept otherwise."""
        folder, written = self.folder, found.arrays()
        files = {"model": folder.model, "predictions": folder.predictions, "features": folder.features}
        for name, path in files.items():
            if name not in self.keep:
                folder.drop(path)
            elif name == "model":
                with self.state.evaluated():
                    content = weights_file(self.state.model, self.run, folder.read_config().hash)
                folder.write(path, content)
            else:
                folder.write(path, written[name])

    def _evaluated(self, work: Callable[[], T]) -> T:
        """What `work` returns, in fp32 and of the weights that are evaluated."""
        allow_tf32(False)
        try:
            with self.state.evaluated():
                return work()
        finally:
            allow_tf32(self.run.recipe.precision == "tf32")

    def _record(self, evaluated: EpochEvaluation) -> None:
        state = self.state
        loss, top1 = state.running()
        last = EpochRecord(
            epoch=state.epoch,
            train_loss=loss,
            train_top1=top1,
            **asdict(evaluated),
            seconds=state.seconds,
            images_per_second=len(self.data.train) / state.seconds,
        )
        state.records.append(last)
        self.folder.write_metrics(state.records)
        text = f"train loss {last.train_loss:.4f}, test top-1 {last.test_top1:.2%}"
        epochs = self.run.recipe.epochs
        say(self.run, f"epoch {state.epoch + 1} of {epochs}: {text}, {last.images_per_second:.0f} images/s")


class _ProgressMeter:
    """Tells how far a run is. The rate is of training, between the last two calls that saw it advance."""

    def __init__(self, run: RunConfig, state: TrainingState, images: int) -> None:
        self.state, self.epochs, self.batch = state, run.recipe.epochs, run.recipe.batch_size
        self.steps = -(-images // self.batch)
        self.rate: float | None = None
        self._last = (self._done(), time.monotonic())

    def __call__(self) -> Progress:
        done, now = self._done(), time.monotonic()
        before, then = self._last
        if done > before and now > then:
            self.rate = (done - before) * self.batch / (now - then)
        self._last = (done, now)
        epoch, step = self.state.epoch, self.state.step
        return Progress(epoch=epoch, epochs=self.epochs, step=step, steps=self.steps, images_per_second=self.rate)

    def _done(self) -> int:
        return self.state.epoch * self.steps + self.state.step


def _state(run: RunConfig, data: Dataset, folder: RunFolder, device: torch.device) -> TrainingState:
    state = TrainingState(run, len(data.classes), device)
    whiten(state.model, data.train, run.recipe.normalisation)
    try:
        state.restore(folder)
    except DamagedRunError as error:
        print(f"note: {folder.path}: {error}; starting anew", file=sys.stderr)
        folder.drop(folder.checkpoint)
    return state


@contextmanager
def one_line_if_full(folder: RunFolder) -> Iterator[None]:
    """Raise RunError, one line, where work on the run meets a full disk."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise full_disk(error, folder) from None


@contextmanager
def saying_what_is_kept(folder: RunFolder) -> Iterator[None]:
    """Add to a signal's StoppedError whether an earlier attempt left something to keep: unless the run itself did so,
    or is finished, as one of a pack may be.
    """
    try:
        yield
    except StoppedError as error:
        if not notes_of(error) and not folder.summary.exists():
            error.add_note("kept what its checkpoint holds" if folder.checkpoint.exists() else NOTHING_KEPT)
        raise


def say(run: RunConfig, text: str) -> None:
    """Print a line about a run, above a progress bar if there is one."""
    tqdm.write(f"{run.variant} seed {run.seed}: {text}", file=sys.stdout)
    sys.stdout.flush()
