"""Carry out runs from start, or from wherever an earlier attempt ended, to their summaries.

On a CPU one after another; on a GPU those that are alike in all but the seed train side by side.
"""

import itertools
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from alexnet_study.attempts import close_finished, job_and_restart
from alexnet_study.config import RunConfig
from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import DamagedRunError, RunError
from alexnet_study.files import is_full
from alexnet_study.graphs import steps_on
from alexnet_study.interruption import Interruption
from alexnet_study.one_run import Execution
from alexnet_study.origin import origin_of, refuse_other_origin
from alexnet_study.runs import RunFolder, full_disk, identity
from alexnet_study.training import prepare, read_checkpoint, train_epoch

PACK = 16  # runs side by side on one GPU

Summary = dict[str, Any]


def execute(run: RunConfig, data: Dataset, results: Path, **options: Any) -> Summary:
    """Train, analyse and record `run` in its folder below `results`; returns the summary.

    A finished run is left alone; a damaged summary or checkpoint is reported and computed again. Options: those of
    `Conditions`. RequestError where the folder holds another configuration, or a checkpoint of another origin;
    RunError where the disk is full or training diverges; ReplacedError where a newer attempt wants the run;
    StoppedError where a signal ends it.
    """
    ((_, outcome),) = execute_each([run], data, results, **options)
    if isinstance(outcome, RunError):
        raise outcome
    return outcome


def execute_each(
    runs: list[RunConfig], data: Dataset, results: Path, **options: Any
) -> Iterator[tuple[RunConfig, Summary | RunError]]:
    """`execute` of each run, with the same bits as alone; a RunError ends its own run only and is its outcome."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    conditions = Conditions(data=data.to(device), results=results, device=device, **options)
    for run in runs:  # the whole request is looked at before anything is trained
        RunFolder.of(results, run).refuse_other(identity(run, data.content_hash))
    most = pack_size(device)
    for _, group in itertools.groupby(runs, key=lambda run: (run.model, run.recipe)):
        alike = list(group)
        for start in range(0, len(alike), most):
            pack = alike[start : start + most]
            yield from zip(pack, conditions.carry_out(pack), strict=True)


def pack_size(device: torch.device) -> int:
    """How many runs train side by side at the most."""
    return PACK if device.type == "cuda" else 1


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a process's runs share. `data` is on `device`.

    inexact_resume lets a checkpoint of another device model or other versions go on.
    """

    data: Dataset
    results: Path
    device: torch.device
    interruption: Interruption = field(default_factory=Interruption)
    inexact_resume: bool = False

    def carry_out(self, runs: list[RunConfig]) -> list[Summary | RunError]:
        """The outcome of each run of a pack."""
        prepare(runs[0].recipe, self.device)
        outcomes: dict[RunConfig, Summary | RunError] = {}
        try:
            with ExitStack() as stack:
                opened = {run: stack.enter_context(self._held(run)) for run in runs}
                executions = [each for each in opened.values() if isinstance(each, Execution)]
                outcomes |= {run: each for run, each in opened.items() if not isinstance(each, Execution)}
                self._train(executions)
                for execution in executions:
                    outcomes[execution.run] = execution.outcome()
        except RunError as error:  # of them all: a full disk, or a newer attempt seen before the start
            outcomes = {run: outcomes.get(run, error) for run in runs}
        return [outcomes[run] for run in runs]

    @contextmanager
    def _held(self, run: RunConfig) -> Iterator[Execution | Summary]:
        """The run ready to train, its folder held; or its summary where it is finished."""
        folder = RunFolder.of(self.results, run)
        fields, here = identity(run, self.data.content_hash), origin_of(self.device, run.recipe.threads)
        with _one_line_if_full(folder), self.interruption.raising():
            finished = _finished(folder)
            if finished is not None and folder.is_closed():
                yield finished
                return
            if finished is None:
                refuse_other_origin(_origins(folder), here, allowed=self.inexact_resume)
            job, restart = job_and_restart()
            with folder.held(job=job, restart=restart) as replaced:
                finished = _finished(folder)  # again: the attempt that was waited for may have done it
                if finished is not None:
                    close_finished(folder, replaced)
                    yield finished
                    return
                _claim(folder, fields)
                with self.interruption.deferred():
                    execution = Execution(run, self.data, folder, here, replaced, self.interruption)
                    try:
                        yield execution
                    except BaseException as error:
                        execution.end_by(error)
                        raise

    def _train(self, executions: list[Execution]) -> None:
        """Train all to the end; those that fail drop out, those that stand elsewhere go on apart."""
        for execution in executions:
            execution.announce()
        while going := [execution for execution in executions if execution.goes_on]:
            place = min(execution.place for execution in going)
            self._train_together([execution for execution in going if execution.place == place])

    def _train_together(self, together: list[Execution]) -> None:
        """Train those that stand at one place, epoch by epoch, until they are at the end or one of them fails."""
        train, batch_size = self.data.train, together[0].run.recipe.batch_size
        steps = steps_on(self.device, [execution.state for execution in together], train, batch_size)
        while all(execution.goes_on for execution in together):
            with _progress(together, len(steps)) as bar:
                train_epoch(
                    steps,
                    checkpoint=lambda: _checkpoint(together),
                    due=lambda: any(execution.due for execution in together),
                    advance=bar.update,
                )
            for execution in together:
                execution.attempt_to(execution.end_epoch)
            _checkpoint(together)


def _checkpoint(together: list[Execution]) -> None:
    """Save all before any ends by what is due; the failure, where there is one and no run is left."""
    for execution in together:
        execution.attempt_to(execution.save)
    for execution in together:
        execution.attempt_to(execution.attempt.check)
    if all(execution.failure for execution in together):
        raise together[0].failure or RunError("no run is left")


def _progress(together: list[Execution], steps: int) -> Any:
    first = together[0]
    names = ", ".join(str(execution.run.seed) for execution in together)
    label = f"{first.run.variant} seed {names} epoch {first.state.epoch + 1}/{first.run.recipe.epochs}"
    shown = sys.stderr.isatty()
    return tqdm(total=steps, initial=first.state.step, desc=label, unit="step", leave=False, disable=not shown)


@contextmanager
def _one_line_if_full(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise full_disk(error, folder) from None


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
        return []  # `Execution` says so
