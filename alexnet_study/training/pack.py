"""Carry out runs from start, or from wherever an earlier attempt ended, to their summaries.

On a CPU one after another; on a GPU those that are alike in all but the seed train side by side.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tqdm import tqdm

from alexnet_study.data.dataset import Dataset, hold_out
from alexnet_study.errors import DamagedRunError, RequestError, RunError
from alexnet_study.runs.attempts import close_finished, job_and_restart
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import Interruption
from alexnet_study.runs.records import Origin, Summary
from alexnet_study.study.configs import KEEPABLE, ModelConfig, RecipeConfig, RunConfig
from alexnet_study.study.identity import Identity, identity
from alexnet_study.training.countdown import Countdown
from alexnet_study.training.determinism import prepare
from alexnet_study.training.device import lost_gpu
from alexnet_study.training.epoch import CheckpointTimer, train_epoch
from alexnet_study.training.origin import origin_of, refuse_other_origin, starts_over_on_gpu
from alexnet_study.training.run import Execution, one_line_if_full, say, saying_what_is_kept
from alexnet_study.training.side_by_side import MOST_RUNS, TooManyRunsError, first_error, fitting, steps_on
from alexnet_study.training.state import read_checkpoint

ALREADY_FINISHED = "already finished"


@dataclass(frozen=True, kw_only=True)
class PackContext:
    """What the packs of one process share.

    asked: by which of gpu.DEVICES the device was asked for. inexact_resume lets a checkpoint of another device model or
    other versions go on. keep: which files of a finished run stay.
    """

    data: Dataset
    results: Path
    device: torch.device
    asked: str
    interruption: Interruption
    inexact_resume: bool
    keep: tuple[str, ...] = KEEPABLE


def execute_each(runs: list[RunConfig], context: PackContext) -> Iterator[tuple[RunConfig, Summary | RunError]]:
    """Train, analyse and record each run in its folder below `context.results`; yield its summary, or what ended it.

    The runs are of one study, whose holdout they share. A finished run is left alone; a damaged summary or checkpoint
    is reported and computed again. A run has the bits that it has alone. The outcomes come as packs end, so in another
    order than `runs` where several runs of a configuration are packed. A RunError ends its own run only and is its
    outcome: the disk is full, training diverges, or (ReplacedError) a newer attempt wants the run; so is, of a run in a
    pack, a checkpoint of another origin. Raise RequestError where a folder holds another configuration or, of a run
    alone, a checkpoint of another origin; StoppedError where a signal ends the process.
    """
    (holdout,) = {run.holdout for run in runs} or {0}
    with lost_gpu_in_one_line():
        context = replace(context, data=hold_out(context.data, holdout).to(context.device))
    asked = {run.on_data(context.data.normalisation): run for run in runs}
    for run in asked:  # the whole request is looked at before anything is trained
        RunFolder.of(context.results, run).refuse_other(identity(run, context.data.content_hash))
    done = {run for run in asked if RunFolder.of(context.results, run).is_finished(arrays=False)}
    countdown = Countdown(list(asked), done)
    for pack in packs(list(asked), pack_size(context.device)):
        with countdown.counted(pack):
            outcomes = carry_out(pack, context)
        yield from zip((asked[run] for run in pack), outcomes, strict=True)


def packs(runs: list[RunConfig], most: int) -> list[list[RunConfig]]:
    """Return the runs in packs of at most `most` that are alike in all but the seed, in the order of their first runs.

    So variants of a study that is listed seed by seed take turns, and one cut short is as balanced as its packs allow.
    """
    every: list[list[RunConfig]] = []
    filling: dict[tuple[ModelConfig, RecipeConfig], list[RunConfig]] = {}
    for run in runs:
        alike = run.model, run.recipe
        if alike not in filling or len(filling[alike]) == most:
            filling[alike] = []
            every.append(filling[alike])
        filling[alike].append(run)
    return every


def pack_size(device: torch.device) -> int:
    """Return how many runs train side by side at the most."""
    return MOST_RUNS if device.type == "cuda" else 1


def carry_out(runs: list[RunConfig], context: PackContext) -> list[Summary | RunError]:
    """Return the outcome of each run of a pack."""
    prepare(runs[0].recipe, context.device)
    outcomes: dict[RunConfig, Summary | RunError] = {}
    executions: list[Execution] = []
    with ExitStack() as stack, lost_gpu_in_one_line():
        for run in runs:
            try:
                opened: Execution | Summary | RunError = stack.enter_context(_held(run, context))
            except RunError as error:  # its disk is full, or a newer attempt was seen before the start
                opened = error
            except RequestError as error:  # its checkpoint can't go on here, which is no reason for the others
                if len(runs) == 1:
                    raise
                opened = RunError(str(error))
            if isinstance(opened, Execution):
                executions.append(opened)
            else:
                outcomes[run] = opened
        stack.enter_context(context.interruption.deferred())  # a finished run's entry, if the last, has them raise
        _train(executions, context)
        for execution in executions:
            outcomes[execution.run] = execution.outcome()
    return [outcomes[run] for run in runs]


@contextmanager
def _held(run: RunConfig, context: PackContext) -> Iterator[Execution | Summary]:
    """The run ready to train, its folder held; or its summary where it is finished."""
    folder = RunFolder.of(context.results, run)
    own, here = identity(run, context.data.content_hash), origin_of(context.device, run.recipe.threads)
    with one_line_if_full(folder), saying_what_is_kept(folder), context.interruption.raising():
        finished = folder.finished()
        if finished is not None and folder.is_closed():
            say(run, ALREADY_FINISHED)
            yield finished
            return
        if finished is None and _starts_over(folder, here, context) is None:
            refuse_other_origin(_origins(folder), here, allowed=context.inexact_resume)
        job, restart = job_and_restart()
        with folder.held(job=job, restart=restart) as replaced:
            finished = folder.finished()  # again: the attempt that was waited for may have done it
            if finished is not None:
                close_finished(folder, replaced)
                say(run, ALREADY_FINISHED)
                yield finished
                return
            _claim(folder, own)
            reason = _starts_over(folder, here, context)  # again: the attempt that was waited for may have saved
            if reason is not None:
                print(f"note: {folder.path}: {reason}", file=sys.stderr)
                folder.drop(folder.checkpoint)
            with context.interruption.deferred():
                execution = Execution(run, context.data, folder, here, replaced, context.interruption, context.keep)
                try:
                    yield execution
                except BaseException as error:
                    execution.end_by(error)
                    raise


def _train(executions: list[Execution], context: PackContext) -> None:
    """Train all to the end; those that fail drop out, those that stand elsewhere go on apart."""
    for execution in executions:
        execution.announce()
    timer, most = CheckpointTimer(sum(execution.state.bytes for execution in executions)), MOST_RUNS
    while going := [execution for execution in executions if execution.goes_on]:
        place = min(execution.place for execution in going)
        most = min(most, fitting(context.device, going[0].run, len(context.data.classes)))
        together = [execution for execution in going if execution.place == place][:most]
        try:
            _train_together(together, executions, context, timer)
        except _NoneLeftError:
            continue
        except TooManyRunsError as error:
            most = len(together) // 2
            print(f"note: {len(together)} runs side by side are too many, so {most}: {error}", file=sys.stderr)


def _train_together(
    together: list[Execution], executions: list[Execution], context: PackContext, timer: CheckpointTimer
) -> None:
    """Train those that stand at one place, epoch by epoch, until they are at the end or one of them fails.

    What is due is looked for in all `executions`: those that wait may be replaced too. Raise _NoneLeftError as soon
    as all that train have failed, and the errors of `steps_on`.
    """
    train, batch_size = context.data.train, together[0].run.recipe.batch_size
    steps = steps_on(context.device, [execution.state for execution in together], train, batch_size)
    for execution in together:
        execution.attempt.describe(steps=steps.kind)

    def due() -> bool:
        return timer.is_due() or any(execution.due for execution in executions)

    def checkpoint() -> None:
        timer.save(lambda: _checkpoint(together, executions))

    while all(execution.goes_on for execution in together):
        with _progress(together, len(steps)) as bar:
            train_epoch(steps, checkpoint=checkpoint, due=due, advance=bar.update)
        for execution in together:
            execution.attempt_to(execution.end_epoch)
        if due():
            checkpoint()


class _NoneLeftError(Exception):
    """All runs that train together have failed, each for a reason of its own: nothing is left of their epoch."""


def _checkpoint(together: list[Execution], executions: list[Execution]) -> None:
    """Save those that train before any of `executions` ends by what is due. Raise _NoneLeftError if none can go on."""
    for execution in together:
        execution.attempt_to(execution.save)
    for execution in executions:
        execution.attempt_to(execution.attempt.check)
    if all(execution.failure for execution in together):
        raise _NoneLeftError


@contextmanager
def lost_gpu_in_one_line() -> Iterator[None]:
    """Raise LostGpuError, one line, in place of the error by which CUDA says that the GPU answers no more."""
    try:
        yield
    except RuntimeError as error:
        lost = lost_gpu(first_error(error))
        if lost is None:
            raise
        raise lost from None


def _progress(together: list[Execution], steps: int) -> tqdm:
    first = together[0]
    names = ", ".join(str(execution.run.seed) for execution in together)
    label = f"{first.run.variant} seed {names} epoch {first.state.epoch + 1}/{first.run.recipe.epochs}"
    shown = sys.stderr.isatty()
    return tqdm(total=steps, initial=first.state.step, desc=label, unit="step", leave=False, disable=not shown)


def _starts_over(folder: RunFolder, here: Origin, context: PackContext) -> str | None:
    """Return why the run's checkpoint is to be dropped, None where it stays."""
    return None if context.inexact_resume else starts_over_on_gpu(_origins(folder), here, asked=context.asked)


def _claim(folder: RunFolder, own: Identity) -> None:
    folder.claim(own)
    try:
        folder.read_summary()
    except DamagedRunError as error:
        print(f"note: {folder.path}: {error}; computing it again", file=sys.stderr)
        folder.drop(folder.summary)


def _origins(folder: RunFolder) -> tuple[Origin, ...]:
    try:
        return read_checkpoint(folder).origins if folder.checkpoint.exists() else ()
    except DamagedRunError:
        return ()  # `Execution` says so
