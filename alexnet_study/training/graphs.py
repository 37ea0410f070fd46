"""Training on an NVIDIA GPU: one CUDA graph takes one step of each of several runs, gather to update.

Each run has a stream branch of its own in the graph and shares nothing with the others but the resident images, so that
its result does not depend on its company. An epoch is one loop of replays in which the host waits for nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from alexnet_study.data.dataset import Split
from alexnet_study.training.content import put_back
from alexnet_study.training.epoch import Steps, epoch_order
from alexnet_study.training.state import TrainingState

Work = Callable[[], object]


class Capture(Protocol):
    """Records work once, to replay it often; `CudaCapture`, or what stands for it."""

    def warm_up(self, work: Work) -> None:
        """Do the work once, so that libraries load kernels and allocate what a capture must not."""

    def capture(self, branches: Sequence[Work], last: Work) -> Work:
        """Return what replays the branches, side by side, and then `last`."""


class GraphSteps(Steps):
    """Steps whose work is recorded once for each batch size, in training mode, and then replayed.

    However it ends, making it leaves weights, momenta and sums as they were.
    """

    kind = "graph"

    def __init__(self, states: list[TrainingState], data: Split, batch_size: int, *, graphs: Capture) -> None:
        super().__init__(states, data, batch_size)
        device, count = data.labels.device, len(data)
        self.orders = [torch.arange(count, device=device) for _ in states]
        self.position = torch.zeros((), dtype=torch.int64, device=device)  # of the step's first image in each order
        self.offsets = torch.arange(min(batch_size, count), device=device)
        sizes = {min(batch_size, count), (count - 1) % batch_size + 1}
        largest_first = sorted(sizes, reverse=True)  # whose memory the smaller can use again
        self._replays = {size: self._captured(size, graphs) for size in largest_first}

    def begin(self) -> None:
        """Send the epoch's draws and orders, which are the CPU's, and the place to start at."""
        for state, order in zip(self.states, self.orders, strict=True):
            state.begin_epoch()
            order.copy_(epoch_order(state.seed, state.epoch, len(self.data)))
        self.position.fill_(self.states[0].step * self.batch_size)

    def take(self, step: int) -> None:
        """Take step `step` of every state, by one replay."""
        self.set_up(step)
        self._replays[min(self.batch_size, len(self.data) - step * self.batch_size)]()

    def wait(self) -> None:
        """Wait until the device is done."""
        if self.position.is_cuda:
            torch.cuda.synchronize()

    def _captured(self, size: int, graphs: Capture) -> Work:
        branches = [
            partial(self._step, state, order, size) for state, order in zip(self.states, self.orders, strict=True)
        ]
        with put_back([*changed_by_steps(self.states), self.position]):
            for state in self.states:
                state.model.train()  # whatever evaluated it before: a graph keeps the mode of its capture
            graphs.warm_up(branches[0])  # the others use the same kernels
            for state in self.states:
                state.optimizer.clear_gradients()  # the graph makes gradients of its own
            return graphs.capture(branches, partial(self.position.add_, size))

    def _step(self, state: TrainingState, order: Tensor, size: int) -> None:
        state.take_step(self.data, order[self.position + self.offsets[:size]])


class CudaCapture:
    """CUDA graphs of the states' steps: a stream for each state, and memory that the graphs share.

    They may share it, since they are never replayed at the same time and leave nothing in it that is read later.
    """

    def __init__(self, states: Sequence[TrainingState]) -> None:
        self.generators = [state.generator for state in states]
        self.streams = [torch.cuda.Stream() for _ in states]
        self.main = torch.cuda.Stream()
        self.pool = torch.cuda.graph_pool_handle()

    def warm_up(self, work: Work) -> None:
        """Do the work once on a stream that a capture will use."""
        with _joined(self.streams[0], torch.cuda.current_stream()):
            work()

    def capture(self, branches: Sequence[Work], last: Work) -> Work:
        """Return the replay of a graph of the branches, each on its stream, and then `last`."""
        graph = torch.cuda.CUDAGraph()
        if registers_generators(torch.__version__):
            for generator in self.generators:
                graph.register_generator_state(generator)
        # a capture that fails leaves its stream current, so the stream is set here as well
        with torch.cuda.stream(self.main), torch.cuda.graph(graph, pool=self.pool, stream=self.main):
            for stream, branch in zip(self.streams, branches, strict=True):
                stream.wait_stream(self.main)
                with torch.cuda.stream(stream):
                    branch()
            for stream in self.streams:
                self.main.wait_stream(stream)
            last()
        return graph.replay


@contextmanager
def _joined(stream: "torch.cuda.Stream", main: "torch.cuda.Stream") -> Iterator[None]:
    """Work on `stream` after what `main` has to do so far, and before what it gets to do later."""
    stream.wait_stream(main)
    with torch.cuda.stream(stream):
        yield
    main.wait_stream(stream)


def registers_generators(version: str) -> bool:
    """Tell whether this PyTorch must be told which generators a graph uses: below 2.14, where it finds them itself."""
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) < (2, 14)


def changed_by_steps(states: Sequence[TrainingState]) -> list[Tensor]:
    """Return all tensors that a step changes: weights, buffers, momenta, averages and sums."""
    return [tensor for state in states for tensor in (*state.model.state_dict().values(), *state.momenta, state.sums)]
