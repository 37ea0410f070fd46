"""A recorder that stands for a CUDA graph on a CPU: it tapes a step's operations and replays them without Python.

As in a graph, a replay does the taped operations on the taped storages: what was a number when the tape was made stays
that number, what was a tensor has the content that it has now, and random draws come from the generator as it is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from alexnet_study.training.graphs import Work


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call of an operator; `made` are the tensors that it made, whose storages a replay writes again."""

    operator: Any
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    made: tuple[Tensor, ...]

    def again(self) -> None:
        """Do it on the same storages."""
        results = _tensors(self.operator(*self.arguments, **self.options))
        for kept, result in zip(self.made, _made(self.operator, results), strict=True):
            kept.copy_(result)


@dataclass
class Recorder:
    """Tapes what it is given to capture, in place of `CudaCapture`. names: every operator seen, views too."""

    tapes: list[list[Operation]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    devices: set[tuple[str, ...]] = field(default_factory=set)  # of the tensors of one operation

    def warm_up(self, work: Work) -> None:
        """Do the work."""
        work()

    def capture(self, branches: Sequence[Work], last: Work) -> Work:
        """Return what replays the branches and then `last`."""
        mode = _Tape(self)
        with mode:
            for branch in branches:
                branch()
            last()
        self.tapes.append(mode.tape)

        def replay() -> None:
            with torch._C._AutoDispatchBelowAutograd():
                for operation in mode.tape:
                    operation.again()

        return replay


class _Tape(TorchDispatchMode):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder
        self.tape: list[Operation] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        outputs = func(*args, **options)
        self.recorder.names.add(str(func))
        tensors = [*_tensors(args), *_tensors(options), *_tensors(outputs)]
        self.recorder.devices.add(tuple(sorted({str(tensor.device) for tensor in tensors})))
        if not func.is_view:
            made = _made(func, _tensors(outputs))
            self.tape.append(Operation(operator=func, arguments=args, options=options, made=tuple(made)))
        return outputs


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _made(operator: Any, results: list[Tensor]) -> list[Tensor]:
    """Of an operator's results those that are no argument of it, written in place."""
    own = [returned.alias_info is None for returned in operator._schema.returns]
    return [result for result, new in zip(results, own, strict=True) if new] if len(own) == len(results) else results


@pytest.fixture
def recorder() -> Recorder:
    """A recorder with an empty tape."""
    return Recorder()
