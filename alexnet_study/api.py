"""Finished runs in Python: their figures as a table, their arrays, and their trained models.

    import alexnet_study

    runs = alexnet_study.load_runs("results/skip")
    table = runs.frame()  # variant, seed, evaluation, metric, value, unit
    model = runs.get("skip", 0).model(lesioned=True)  # a torch module, uint8 images to logits

`import alexnet_study` offers what is public here, and loads it when it is used.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alexnet_study.errors import DamagedRunError, RequestError
from alexnet_study.files import file_digest
from alexnet_study.report.values import Values, values_of
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import EpochRecord, Provenance, Summary
from alexnet_study.study.identity import Identity

if TYPE_CHECKING:
    from alexnet_study.evaluation.trained_model import TrainedModel

Arrays = dict[str, NDArray[Any]]  # the text beside it names dtypes and shapes


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished run.

    folder: where it lies. identity: model, recipe, seed and what else determines the result. summary: the final figures
    of summary.json. epochs: the records of metrics.jsonl, counted from 0. provenance: how it came about.
    """

    folder: Path
    study: str
    variant: str
    seed: int
    identity: Identity
    summary: Summary
    epochs: tuple[EpochRecord, ...]
    provenance: Provenance

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes' names, in the order of labels and logits."""
        return self.summary.classes

    @property
    def name(self) -> str:
        """Return what tells the run apart from the others of its study: `skip seed 0`."""
        return f"{self.variant} seed {self.seed}"

    def model(self, *, lesioned: bool = False) -> "TrainedModel":
        """Return the trained model as a torch module in evaluation mode, on the CPU.

        It takes uint8 images (N, 3, 32, 32) and returns logits, float32 (N, C): those of `predictions`, bit for bit, on
        the device and with the threads of the run. lesioned: every skip connection left out. Raise RequestError where
        the run's folder has no undamaged weights.
        """
        from alexnet_study.evaluation.trained_model import TrainedModel
        from alexnet_study.models import build_model
        from alexnet_study.weights import read_weights

        folder = RunFolder(self.folder)
        try:
            state = read_weights(folder)
        except DamagedRunError as error:
            raise self._without(str(error)) from None
        alexnet = build_model(self.identity.model, len(self.classes), seed=0)
        alexnet.load_state_dict(state)
        normalisation = self.identity.recipe.normalisation
        return TrainedModel(alexnet, self.classes, lesioned=lesioned, normalisation=normalisation)

    def predictions(self) -> Arrays:
        """Return `labels`, int64 (N,), and the test logits of each evaluation, `intact` and `lesioned`, float32 (N, C).

        Raise RequestError where the run's folder doesn't hold them undamaged.
        """
        return self._arrays(RunFolder(self.folder).predictions)

    def features(self) -> Arrays:
        """Return the arrays of features.npz; raise RequestError where the run's folder doesn't hold them undamaged.

        `images`: int64 (n,), the kept test images' indices. Of each evaluation: `intact_features`, float16 (n, D), of
        these; `intact_scores`, (N, 2), on the first two principal components; `intact_explained_variance_ratio`.
        """
        return self._arrays(RunFolder(self.folder).features)

    def _arrays(self, path: Path) -> Arrays:
        if not path.is_file():
            raise self._without(f"{path.name} is missing")
        if file_digest(path) != self.summary.files.get(path.name):
            raise self._without(f"{path.name} fails its checksum")
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)

    def _without(self, reason: str) -> RequestError:
        return RequestError(
            f"{self.folder}: {reason}; expected a run whose study keeps it: older runs have no model, and a reference "
            "has none of model, predictions and features"
        )


class Runs:
    """The finished runs of a study, by variant and seed.

    left_out: of each other run's folder, why it isn't among them.
    """

    def __init__(self, runs: list[Run], left_out: Mapping[Path, str]) -> None:
        self._runs = runs
        self.left_out = dict(left_out)

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __getitem__(self, place: int) -> Run:
        return self._runs[place]

    @property
    def variants(self) -> list[str]:
        """Return the variants that have runs."""
        return list(dict.fromkeys(run.variant for run in self._runs))

    def of(self, variant: str) -> list[Run]:
        """Return the runs of a variant, by seed."""
        return [run for run in self._runs if run.variant == variant]

    def get(self, variant: str, seed: int) -> Run:
        """Return one run; raise RequestError, which lists the seeds or variants there are, where there is none."""
        own = self.of(variant)
        for run in own:
            if run.seed == seed:
                return run
        valid = f"a seed of {', '.join(str(run.seed) for run in own)}" if own else f"one of {', '.join(self.variants)}"
        raise RequestError(f"no finished run of {variant} with seed {seed}; expected {valid}")

    def frame(self) -> pd.DataFrame:
        """Return every figure of the runs, a row each: variant, seed, evaluation, metric, value, unit.

        Metrics have the paths of summary.json, as study files name them; `evaluation` is `intact`, `lesioned`, or empty
        for what is of the run as a whole. A null is NaN.
        """
        own = [values_of(run.variant, run.seed, run.summary, run.epochs) for run in self._runs]
        return Values(own, self._runs[0].classes if self._runs else ()).table

    def epochs(self) -> pd.DataFrame:
        """Return the learning curves, a row an epoch: variant, seed, and the fields of metrics.jsonl."""
        rows = [{"variant": r.variant, "seed": r.seed, **dataclasses.asdict(e)} for r in self._runs for e in r.epochs]
        return pd.DataFrame(rows)


def load_runs(folder: str | Path) -> Runs:
    """Return the finished runs in a study's folder, such as `results/skip`; arrays and models are read when asked for.

    Raise RequestError if no run has begun there.
    """
    root = Path(folder)
    paths = sorted(root.glob("*/seed-*"), key=lambda path: (path.parent.name, len(path.name), path.name))
    if not paths:
        raise RequestError(f"{root}: no runs; expected a study's folder, which holds <variant>/seed-<n>")
    runs, left_out = [], {}
    for path in paths:
        try:
            run = _read(path)
            RunFolder(path).check_name(run.seed)
            runs.append(run)
        except DamagedRunError as error:
            left_out[path] = str(error)
    return Runs(runs, left_out)


def load_run(folder: str | Path) -> Run:
    """Return the finished run in one folder, `results/<study>/<variant>/seed-<n>`; raise RequestError if it is none."""
    try:
        return _read(Path(folder))
    except DamagedRunError as error:
        raise RequestError(f"{folder}: {error}; expected the folder of a finished run") from None


def make_report(study: str | Path, results: str | Path = "results") -> Path:
    """Write the report of a study's finished runs below `results`; return the path of its page.

    study: a study file, or the name of one that ships. Raise RequestError if the study isn't valid or no run is
    finished.
    """
    from alexnet_study.report.collection import collect
    from alexnet_study.report.writing import write_report
    from alexnet_study.shipped import STUDIES
    from alexnet_study.study.study import load_study

    root = Path(results)
    return write_report(collect(load_study(STUDIES.find(str(study))), root), root)


def _read(path: Path) -> Run:
    folder = RunFolder(path)
    summary = folder.read_summary(arrays=False)
    if summary is None:
        raise DamagedRunError("unfinished" if folder.config.exists() else "no run")
    identity = folder.read_config()
    return Run(
        folder=path,
        study=path.resolve().parent.parent.name,
        variant=identity.variant,
        seed=identity.seed,
        identity=identity,
        summary=summary,
        epochs=folder.read_metrics(),
        provenance=folder.read_provenance(),
    )
