"""Logits become metrics."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from alexnet_study.errors import RunError
from alexnet_study.runs.records import CALIBRATION_BINS, Evaluation, Spectrum


def loss_and_top1(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the mean cross-entropy in nats over images, and top-1; raise RunError if the former isn't finite."""
    loss = F.cross_entropy(logits.double(), labels).item()
    if not math.isfinite(loss):  # of finite weights, too: large ones overflow in the layers
        raise RunError(f"training diverged: the loss in evaluation mode is {loss}; try a lower learning_rate")
    return loss, share(logits.argmax(1) == labels)


def top_k(logits: Tensor, labels: Tensor, k: int) -> float:
    """Return the share of images whose label is among the min(k, C) largest logits (N, C)."""
    best = logits.topk(min(k, logits.shape[1]), dim=1).indices
    return share((best == labels[:, None]).any(1))


def confusion_matrix(logits: Tensor, labels: Tensor) -> Tensor:
    """Return counts (C, C), int64; rows are true classes, columns the class with the largest logit."""
    classes = logits.shape[1]
    cells = labels * classes + logits.argmax(1)
    return torch.bincount(cells.cpu(), minlength=classes**2).view(classes, classes)


def expected_calibration_error(logits: Tensor, labels: Tensor) -> float:
    """Return the mean |accuracy − confidence| over 15 equal-width bins of the largest probability, weighted by images.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    bins = (confidence * CALIBRATION_BINS).ceil().long().clamp(1, CALIBRATION_BINS) - 1  # (lower, upper]
    surplus = (predicted == labels).double() - confidence
    return torch.zeros(CALIBRATION_BINS, dtype=torch.float64).index_add(
        0, bins.cpu(), surplus.cpu()
    ).abs().sum().item() / len(labels)


def evaluate(logits: Tensor, labels: Tensor, *, pca: Spectrum | None) -> Evaluation:
    """Return the figures of the logits (N, C) of images with labels (N,), with the spectrum of their features."""
    loss, top1 = loss_and_top1(logits, labels)
    confusion = confusion_matrix(logits, labels)
    correct = confusion.diagonal()
    return Evaluation(
        top1=top1,
        top3=top_k(logits, labels, 3),
        loss=loss,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        recall=_shares(correct, confusion.sum(1)),
        precision=_shares(correct, confusion.sum(0)),
        ece=expected_calibration_error(logits, labels),
        pca=pca,
    )


def share(hits: Tensor) -> float:
    """Return the share of hits (N,), bool, that are true."""
    return hits.double().mean().item()


def _shares(part: Tensor, whole: Tensor) -> tuple[float | None, ...]:
    return tuple(p / w if w else None for p, w in zip(part.tolist(), whole.tolist(), strict=True))
