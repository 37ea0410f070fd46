"""One finished run, as a report sees it: here alone a run's files are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet_study.errors import DamagedRunError
from alexnet_study.report.values import RunValues, values_of
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import EpochRecord, Provenance
from alexnet_study.study.identity import Identity

Array: TypeAlias = NDArray[Any]  # the text beside it names its dtype and shape


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished run: what it is, how it went epoch by epoch, how it came about; its results are in the values.

    evaluations: intact and, for a variant with a skip, lesioned. files: the arrays that it kept.
    """

    folder: RunFolder
    variant: str
    seed: int
    identity: Identity
    evaluations: tuple[str, ...]
    files: frozenset[str]
    classes: tuple[str, ...]
    epochs: tuple[EpochRecord, ...]
    provenance: Provenance

    def predictions(self) -> dict[str, Array]:
        """Return the arrays of predictions.npz: `labels` (N,), and logits (N, C) of each evaluation."""
        return _arrays(self.folder.predictions)

    def features(self) -> dict[str, Array]:
        """Return the arrays of features.npz: of each evaluation `…_features` (n, d) and `…_scores` (N, 2 or more)."""
        return _arrays(self.folder.features)


def read_run(folder: RunFolder, variant: str, *, has_arrays: bool) -> tuple[Run, RunValues]:
    """Return a finished run of a variant, and its values.

    has_arrays: whether those that it kept have to be there. Raise DamagedRunError if it is unfinished, damaged, or a
    copy in a folder of another name.
    """
    summary = folder.read_summary(arrays=has_arrays)
    if summary is None:
        raise DamagedRunError(_unfinished(folder))
    if "intact" not in summary.evaluations:
        raise DamagedRunError(f"{folder.summary.name} has no intact evaluation")
    identity, epochs = folder.read_config(), folder.read_metrics()
    folder.check_name(identity.seed)
    expected = identity.recipe.epochs
    if len(epochs) != expected:
        raise DamagedRunError(f"{folder.metrics.name} has {len(epochs)} epochs of {expected}")
    run = Run(
        folder=folder,
        variant=variant,
        seed=identity.seed,
        identity=identity,
        evaluations=tuple(summary.evaluations),
        files=frozenset(summary.files),
        classes=summary.classes,
        epochs=epochs,
        provenance=folder.read_provenance(),
    )
    return run, values_of(variant, run.seed, summary, epochs)


def _arrays(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _unfinished(folder: RunFolder) -> str:
    try:
        attempts = folder.read_provenance().attempts
    except DamagedRunError:
        attempts = ()
    return f"unfinished; last attempt: {attempts[-1].cause or 'no end recorded'}" if attempts else "unfinished"
