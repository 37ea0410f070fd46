"""How many runs train side by side, by which steps, and what happens where a GPU can't do as much."""

import gc
import sys

import torch

from alexnet_study.data.dataset import Split
from alexnet_study.errors import RunError
from alexnet_study.models import IMAGE_CHANNELS, IMAGE_SIDE, Block, layer_table, parameter_count
from alexnet_study.models.response_norm import RESPONSE_NORMALISED
from alexnet_study.study.configs import ModelConfig, RecipeConfig, RunConfig
from alexnet_study.training.device import lost_gpu
from alexnet_study.training.epoch import Steps
from alexnet_study.training.graphs import Capture, CudaCapture, GraphSteps
from alexnet_study.training.state import TrainingState

MOST_RUNS = 16  # side by side; whether more would make a GPU faster was not measured
SHARE_OF_MEMORY = 0.8  # of what is free; the rest is for evaluation and for what the allocator can't use
FULL = ("out of memory", "ALLOC_FAILED")  # the words of CUDA, and of cuBLAS and cuDNN

# What the steps take of a GPU's memory beyond their tensors. gpu-check measured on an H200 (torch 2.11.0, CUDA 13.0),
# for `skip` in fp32, whose step's tensors are estimated at 0.49 GiB: 1.54 GiB for 1 run, 17.29 GiB for 16. That is 1.05
# GiB for each further run, and 0.49 GiB once. How much of it is the warm-up, the workspaces of cuBLAS and cuDNN on each
# stream, and gaps of the allocator was not measured. So one part grows with the model, one doesn't, all are rounded up.
ONCE = 3 * 2**28  # bytes, however many runs
EACH = 2**27  # bytes a run, whatever its model
TIMES = 2  # of the tensors' bytes, a run


class TooManyRunsError(Exception):
    """The device's memory doesn't hold the steps of so many runs side by side."""


def steps_on(device: torch.device, states: list[TrainingState], data: Split, batch_size: int) -> Steps:
    """Return the fastest steps that the device has: a CUDA graph's on a GPU, else one after another.

    Errors: those of `graph_or_plain`.
    """
    if device.type == "cuda":
        return graph_or_plain(states, data, batch_size, graphs=CudaCapture(states))
    return Steps(states, data, batch_size)


def graph_or_plain(states: list[TrainingState], data: Split, batch_size: int, *, graphs: Capture) -> Steps:
    """Return a graph's steps, or plain ones with a line on standard error that says why the capture failed.

    Raise LostGpuError if the GPU answers no more, TooManyRunsError if its memory is too small for several runs,
    RunError if it is too small for one.
    """
    try:
        return GraphSteps(states, data, batch_size, graphs=graphs)
    except RuntimeError as error:  # PyTorch's errors of every kind
        cause = first_error(error)
        lost = lost_gpu(cause)
        if lost is not None:
            raise lost from None
        if is_out_of_memory(cause):
            raise _too_large(len(states), cause) from None
        print(f"note: the GPU's steps can't be a CUDA graph, so they are slower: {first_line(cause)}", file=sys.stderr)
    for state in states:
        state.renew_generator()  # a generator may still believe that it is being captured
        state.optimizer.clear_gradients()
    return Steps(states, data, batch_size)


def _too_large(runs: int, cause: BaseException) -> Exception:
    if runs > 1:
        return TooManyRunsError(first_line(cause))
    return RunError(f"the GPU's memory is too small for one run: {first_line(cause)}")


def fitting(device: torch.device, run: RunConfig, classes: int) -> int:
    """Return how many runs like `run` fit the memory that `device` has free, at most MOST_RUNS; on a CPU MOST_RUNS."""
    if device.type != "cuda":
        return MOST_RUNS
    gc.collect()  # a failed capture leaves its tensors in a circle of error, traceback and frame
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    return runs_side_by_side(free, step_bytes(run.model, classes, run.recipe))


def runs_side_by_side(free: int, tensors: int) -> int:
    """Return how many runs train side by side in `free` bytes of a GPU's memory: 1 … 16.

    tensors: bytes of one run's state and step, as `step_bytes` returns them.
    """
    return max((n for n in range(1, MOST_RUNS + 1) if pack_bytes(n, tensors) <= SHARE_OF_MEMORY * free), default=1)


def pack_bytes(runs: int, tensors: int) -> int:
    """Return an estimate, from above, of the bytes that the steps of so many runs side by side take of a GPU's memory.

    tensors: bytes of one run's state and step, as `step_bytes` returns them.
    """
    return ONCE + runs * (EACH + TIMES * tensors)


def step_bytes(model: ModelConfig, classes: int, recipe: RecipeConfig) -> int:
    """Return an estimate, from above, of the bytes that the tensors of one run's state and step hold at once in fp32.

    Weights, momenta, gradients, and the copies of the first two that a capture makes: 5 numbers a parameter; 2 more for
    each momentum and average more, and 6 for Muon's matrices on their way. Of each image, itself and normalised; in
    each block what `_block_numbers` says, and what the pool makes, with int64 places. The fully connected layers count
    as three outputs a layer, and dropout as four inputs.
    """
    image = 4 * 2 * IMAGE_CHANNELS * IMAGE_SIDE**2
    for block in layer_table(model):
        outputs = block.outputs * block.side**2
        image += 4 * outputs * _block_numbers(model, block) + (outputs // 4 * (4 + 8) if block.pooled else 0)
        image += 4 * 4 * block.inputs * block.side**2 * (block.name in model.dropout_before)
    dense = 3 * 4 * (2 * model.hidden + classes)
    more = {"sgd": 0, "adamw": 2, "muon": 8}[recipe.optimizer] + 2 * (recipe.average != "none")
    return 4 * (5 + more) * parameter_count(model, classes) + recipe.batch_size * (image + dense)


def _block_numbers(model: ModelConfig, block: Block) -> int:
    """Numbers that a step holds for each output of a block's convolution.

    The outputs of convolution, normalisation, activation and sum, and their gradients. Other activations than ReLU come
    before the pool, on all outputs; so does local response normalisation, with what its two passes make and drop.
    """
    normalised = 2 * (model.normalisation in ("batch", "group"))
    responding = 14 * (model.norm == "local_response" and block.name in RESPONSE_NORMALISED)
    return 4 + normalised + block.skip + 2 * (model.activation != "relu") + responding


def first_error(error: BaseException) -> BaseException:
    """Return the error that `error` followed on, at the start of its chain.

    The end of a failed CUDA graph capture raises an error of its own over the one that made it fail.
    """
    while error.__context__ is not None:
        error = error.__context__
    return error


def first_line(error: BaseException) -> str:
    """Return the first line of the error's text, or its type where it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether the error says that a GPU's memory is full."""
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in FULL)
