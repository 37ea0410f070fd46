"""What makes a process compute the same bits each time: seeds, threads, kernels, and the memory that it keeps."""

import ctypes
import hashlib
import os

import torch

from alexnet_study.errors import RequestError
from alexnet_study.study.configs import RecipeConfig

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h


def derive_seed(*parts: object) -> int:
    """Return a 63-bit seed from a purpose and its numbers: `derive_seed("dropout", seed, epoch, step)`."""
    data = "/".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest()) >> 1


def prepare(recipe: RecipeConfig, device: torch.device) -> None:
    """Set this process up for reproducible bits: threads, deterministic kernels, no TF32 but where the recipe asks.

    RequestError for tf32 on a CPU, which has none.
    """
    if recipe.precision == "tf32" and device.type == "cpu":
        raise RequestError("recipe.precision: tf32 needs an NVIDIA GPU; expected fp32 or bf16 on a CPU")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    keep_freed_memory()
    torch.set_num_threads(recipe.threads)
    torch.set_deterministic_debug_mode("error")  # `use_deterministic_algorithms` too, less its import of the compiler
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010, as its stub lacks the name
    torch.backends.cudnn.benchmark = False
    allow_tf32(recipe.precision == "tf32")


def keep_freed_memory() -> None:
    """Let glibc keep what a step frees: else each step gets its activations page by page from the kernel again.

    A step is a third shorter so. Other C libraries have no such setting and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Give what is kept back to the kernel, before work of another kind needs memory in other pieces."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def allow_tf32(allowed: bool) -> None:
    """Allow, or not, TF32 for matrix products and convolutions on CUDA; PyTorch's default leaves it on for cuDNN."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
