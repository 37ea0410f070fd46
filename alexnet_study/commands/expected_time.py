"""How long the runs that are left will take: as finished ones of their variant took, else by a few timed steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from alexnet_study.commands.expense import Expense
from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RequestError, RunError
from alexnet_study.study.configs import RunConfig
from alexnet_study.training.pace import Pace, pace_of, timed_as
from alexnet_study.training.pack import pack_size
from alexnet_study.wording import count, duration

if TYPE_CHECKING:
    import torch

ALONE = "training and evaluation alone, on a machine as busy as now; the analyses at the end come on top"
SIDE_BY_SIDE = "; runs side by side on a GPU take less"


def time_lines(left: Sequence[RunConfig], expense: Expense, data: Dataset, device: "torch.device") -> list[str]:
    """Return what the runs that are `left` take; steps are timed of variants alone that no finished run tells of."""
    if not left:
        return ["time      nothing is left to train"]
    known = [expense.seconds[run.variant] for run in left if run.variant in expense.seconds]
    lines = []
    if known:
        of = f"{count(len(known), 'run')}, one after another, by the median of the {expense.n} finished ones"
        lines.append(f"{duration(sum(known))} for {of} on {', '.join(expense.devices)}")
    lines += _estimates([run for run in left if run.variant not in expense.seconds], data, device)
    return [f"{'' if index else 'time':<10}{line}" for index, line in enumerate(lines)]


def _estimates(left: Sequence[RunConfig], data: Dataset, device: "torch.device") -> list[str]:
    """Return a line for each variant, and one on all of them."""
    paces: dict[RunConfig, Pace] = {}  # by what is timed, which variants share
    lines, total = [], 0.0
    for variant in dict.fromkeys(run.variant for run in left):
        own = [run for run in left if run.variant == variant]
        timed = timed_as(own[0])
        try:
            pace = paces[timed] = paces.get(timed) or pace_of(own[0], data, device)
        except (RequestError, RunError) as error:
            lines.append(f"not known of {variant}: {error}")
            continue
        seconds = sum(map(pace.seconds, own))
        total += seconds
        of = f"{count(len(own), 'run')} of {variant}, one after another"
        by = f"an estimate from {count(pace.steps, 'timed step')} on this machine's {pace.device}"
        lines.append(f"about {duration(seconds)} for {of}: {by}")
    if total:
        less = SIDE_BY_SIDE if pack_size(device) > 1 else ""
        lines.append(f"{duration(total)} by these estimates in all: {ALONE}{less}")
    return lines
