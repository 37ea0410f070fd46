"""Tensors that get their content back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def put_back(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Give the tensors their present content again, in place, at the end, also where that is an error."""
    kept = [tensor.clone() for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, content in zip(tensors, kept, strict=True):
                tensor.copy_(content)
