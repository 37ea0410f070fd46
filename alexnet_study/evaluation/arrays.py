"""What the estimators share: numpy arrays or torch tensors in, float64 on the same device inside, the same kind out."""

from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

Array: TypeAlias = "np.ndarray[Any, Any] | Tensor"


def check_matrix(X: Array, *, features: int | None = None, min_samples: int = 1) -> Tensor:
    """Return X (n, d) as a tensor on its own device, its dtype kept.

    Raise ValueError if X is not two-dimensional, holds NaN or infinity, has fewer than `min_samples` rows, no columns,
    or not `features` columns.
    """
    tensor = torch.as_tensor(X)
    if tensor.ndim != 2:
        raise ValueError(f"X has {tensor.ndim} dimensions; expected 2, (n_samples, n_features)")
    samples, columns = tensor.shape
    if samples < min_samples or columns < 1:
        raise ValueError(f"X has shape {tuple(tensor.shape)}; expected at least {min_samples} samples and 1 feature")
    if features is not None and columns != features:
        raise ValueError(f"X has {columns} features; the estimator was fitted with {features}")
    if not all(bool(torch.isfinite(extreme)) for extreme in torch.aminmax(tensor)):  # NaN is either's result
        raise ValueError("X contains NaN or infinity")
    return tensor


def like(result: Tensor, X: Array) -> Any:
    """Return `result` as a numpy array where X is no tensor, else as it is."""
    return result if isinstance(X, Tensor) else result.cpu().numpy()
