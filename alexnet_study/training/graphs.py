"""Training on an NVIDIA GPU: one CUDA graph takes one step of each of several runs, gather to update.

Each run has a stream branch of its own in the graph and shares nothing with the others but the resident images, so that
its result does not depend on its company. An epoch is one loop of replays in which the host waits for nothing.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from alexnet_study.data.dataset import Split
from alexnet_study.training.epoch import Steps, epoch_order
from alexnet_study.training.state import TrainingState

WARM_UP = 3  # steps before a capture, in which libraries choose kernels and allocate
Work = Callable[[], object]


class GraphSteps(Steps):
    """Steps whose work is recorded once for each batch size and then replayed.

    capture(states, branches, last) returns what replays the branches, one a state, side by side and then `last`; it
    leaves the states as they were.
    """

    def __init__(
        self,
        states: list[TrainingState],
        data: Split,
        batch_size: int,
        *,
        capture: "Callable[[Sequence[TrainingState], Sequence[Work], Work], Work]",
    ) -> None:
        super().__init__(states, data, batch_size)
        device, count = data.labels.device, len(data)
        self.orders = [torch.arange(count, device=device) for _ in states]
        self.position = torch.zeros((), dtype=torch.int64, device=device)  # of the step's first image in each order
        self.offsets = torch.arange(min(batch_size, count), device=device)
        sizes = {min(batch_size, count), (count - 1) % batch_size + 1}
        self._replays = {size: self._captured(size, capture) for size in sorted(sizes)}

    def begin(self) -> None:
        """Send the epoch's orders, which are the CPU's, and the place to start at."""
        for state, order in zip(self.states, self.orders, strict=True):
            order.copy_(epoch_order(state.seed, state.epoch, len(self.data)))
        self.position.fill_(self.states[0].step * self.batch_size)

    def take(self, step: int) -> None:
        """Step `step` of every state, by one replay."""
        for state in self.states:
            state.draw(step)
        self._replays[min(self.batch_size, len(self.data) - step * self.batch_size)]()

    def wait(self) -> None:
        """Until the device is done."""
        if self.position.is_cuda:
            torch.cuda.synchronize()

    def _captured(self, size: int, capture: "Callable[[Sequence[TrainingState], Sequence[Work], Work], Work]") -> Work:
        branches = [
            partial(self._step, state, order, size) for state, order in zip(self.states, self.orders, strict=True)
        ]
        return capture(self.states, branches, partial(self.position.add_, size))

    def _step(self, state: TrainingState, order: Tensor, size: int) -> None:
        state.take_step(self.data, order[self.position + self.offsets[:size]])


def capture_graph(states: Sequence[TrainingState], branches: Sequence[Work], last: Work) -> Work:
    """A CUDA graph's replay of the branches, each on a stream of its own, and then `last`."""
    restore = remember(states)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for branch in list(branches) * WARM_UP:
            branch()
    torch.cuda.current_stream().wait_stream(side)
    restore()
    graph = torch.cuda.CUDAGraph()
    for state in states:
        graph.register_generator_state(state.generator)
        state.optimizer.clear_gradients()  # the graph makes gradients of its own
    streams = [torch.cuda.Stream() for _ in branches]
    with torch.cuda.graph(graph):
        main = torch.cuda.current_stream()
        for stream, branch in zip(streams, branches, strict=True):
            stream.wait_stream(main)
            with torch.cuda.stream(stream):
                branch()
        for stream in streams:
            main.wait_stream(stream)
        last()
    return graph.replay


def remember(states: Sequence[TrainingState]) -> Work:
    """What puts weights, buffers, momenta and sums back as they are now, in place."""
    tensors = [
        tensor
        for state in states
        for tensor in (*state.model.state_dict().values(), *state.optimizer.momenta, state.sums)
    ]
    kept = [(tensor, tensor.clone()) for tensor in tensors]

    def restore() -> None:
        with torch.no_grad():
            for tensor, content in kept:
                tensor.copy_(content)

    return restore


def steps_on(device: torch.device, states: list[TrainingState], data: Split, batch_size: int) -> Steps:
    """The fastest steps that the device has: a CUDA graph's on a GPU, else one after another."""
    if device.type == "cuda":
        return GraphSteps(states, data, batch_size, capture=capture_graph)
    return Steps(states, data, batch_size)
