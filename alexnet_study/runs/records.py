"""What the files of a run folder say, as typed records: summary.json, metrics.jsonl, provenance.json.

Fields are written and read under their own names. A field that is younger than some finished run has a default: where a
file lacks it, it reads as that default. A private field names a machine or a job, and a committed reference lacks it.
Everything else that a file lacks, or has and should not, is damage; but what a summary has beyond, its checksum being
right, is a younger version's, and is passed over.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from alexnet_study.errors import DamagedRunError, RequestError
from alexnet_study.study.validation import build

Record = TypeVar("Record")
PRIVATE = MappingProxyType({"private": True})  # metadata of a private field
CALIBRATION_BINS = 15  # equal-width bins of the largest probability, for the calibration error and its diagram
STAGE_SIDE = 4  # to which a stage's planes are averaged down before they are measured
KEPT_FEATURES = 1000  # test images whose features are kept
UNBALANCED = 1.5  # the largest class's number of images over the smallest's, from which it is worth a word


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One line of metrics.jsonl: an epoch, counted from 0.

    Losses are means over images in nats, top-1 and top-3 fractions in [0, 1]. train_loss and train_top1 are running
    means over the epoch, dropout on; the train_eval figures are in evaluation mode, on `train_eval_n` images. seconds
    and images_per_second are of training alone.
    """

    epoch: int
    train_loss: float
    train_top1: float
    train_eval_loss: float
    train_eval_top1: float
    train_eval_n: int
    test_loss: float
    test_top1: float
    test_top3: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """The principal components of the test features: the ratio of every component, descending; (Σλ)² / Σλ² of all.

    The participation ratio is None where every variance is 0.
    """

    explained_variance_ratio: tuple[float, ...]
    participation_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The figures of one evaluation on the test images; fractions in [0, 1], the loss in nats.

    confusion: counts, rows are true classes. recall, precision: of each class; None where it has no images, or was
    never predicted. ece: expected calibration error. pca: None where the study leaves it out, and of `mirrored`.
    """

    top1: float
    top3: float
    loss: float
    confusion: tuple[tuple[int, ...], ...]
    recall: tuple[float | None, ...]
    precision: tuple[float | None, ...]
    ece: float
    pca: Spectrum | None = None


@dataclass(frozen=True, kw_only=True)
class RidgeScore:
    """A linear regressor in closed form: its test top-1, and the strength that leave-one-out chose."""

    top1: float
    alpha: float


@dataclass(frozen=True, kw_only=True)
class TrainedScore:
    """A linear regressor trained by the published protocol: its test top-1."""

    top1: float


@dataclass(frozen=True, kw_only=True)
class LinearRegressors:
    """The linear regressors of one evaluation; `closed_form` is that of the last stage, the features."""

    published: TrainedScore
    closed_form: RidgeScore
    by_stage: Mapping[str, RidgeScore]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """published: running training loss less test loss. proper: test loss less training loss in evaluation mode."""

    published: float
    proper: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """summary.json: the final figures of a finished run, by evaluation (`intact`; with a skip, `lesioned`; `mirrored`).

    classes: names in label order. linear_regressor: empty where the study leaves it out. files: the SHA-256 of each
    file of arrays, by name.
    """

    classes: tuple[str, ...]
    evaluations: Mapping[str, Evaluation]
    linear_regressor: Mapping[str, LinearRegressors]
    gap: Gap
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an attempt is: epoch and step are the next to do, from 0; the rate is of training, None until known."""

    epoch: int
    epochs: int
    step: int
    steps: int
    images_per_second: float | None


def place_text(epoch: int, step: int) -> str:
    """Return how people are told a place that counts epochs from 0: `epoch 3, step 120` of (2, 120)."""
    return f"epoch {epoch + 1}, step {step}"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One start of a run. Times are seconds since 1970; end and cause are None until it ended.

    first_epoch and first_step are where it began.

    job, restart, host, node, gpu: whereabouts, as far as the environment of its process told. job_start: of this
    life of its job, likewise.
    """

    token: str | None = field(default=None, metadata=PRIVATE)
    job: str | None = field(default=None, metadata=PRIVATE)
    restart: int
    host: str | None = field(default=None, metadata=PRIVATE)
    node: str | None = field(default=None, metadata=PRIVATE)
    gpu: str | None = field(default=None, metadata=PRIVATE)
    device: str
    start: float
    last_heartbeat: float
    end: float | None
    cause: str | None
    progress: Progress
    first_epoch: int
    first_step: int = 0
    job_start: float | None = None

    @property
    def seconds(self) -> float:
        """Return the seconds from its start to its last sign of life."""
        return self.last_heartbeat - self.start


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What determines a run's bits beside its configuration: the device's model and the libraries' versions."""

    device: str
    torch: str
    cuda: str | None
    cudnn: int | None
    numpy: str


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """Where the images came from. encodings: of an image folder's files. resized: images that were not 32×32.

    left_out: what lay in the folder and was not read, by reason. treated: images that were changed otherwise than by
    resizing, by the way. in_both: test images that are training images too. repeated: images that repeat an earlier one
    of their split. All are counts. channel_mean, channel_std: of the training images, values from 0 to 1.
    """

    kind: str
    name: str
    encodings: tuple[str, ...] = ()
    images: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    resized: int
    treated: Mapping[str, int] = field(default_factory=dict)
    in_both: int = 0
    repeated: int = 0
    channel_mean: tuple[float, ...] = ()
    channel_std: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """provenance.json: how a run came about. dirty is None where nobody looked; device_seconds are of all attempts.

    steps: how the last attempt took its steps, "graph" (CUDA's) or "eager"; None where it took none.
    """

    commit: str
    dirty: bool | None
    image: str | None
    constraints: str | None
    versions: Mapping[str, str]
    device: str
    source: DataSource
    bit_exact: bool
    origins: tuple[Origin, ...]
    slurm: Mapping[str, str] = field(default_factory=dict, metadata=PRIVATE)
    attempts: tuple[Attempt, ...]
    device_seconds: float
    steps: str | None = None


def parse(cls: type[Record], value: object, where: str) -> Record:
    """Return the record that a file's JSON value holds; raise DamagedRunError if it is none. `where` names the file."""
    try:
        return build(cls, value, where)
    except RequestError as error:
        raise DamagedRunError(str(error)) from None


def as_json(value: object, *, private: bool = True) -> object:
    """Return a record as JSON values, fields in their order; private ones only if `private`.

    A younger field that has its default is left out.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: as_json(content, private=private) for f, content in own if _is_written(f, content, private)}
    if isinstance(value, Mapping):
        return {key: as_json(content, private=private) for key, content in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(content, private=private) for content in value]
    return value


def _is_written(own: "dataclasses.Field[object]", content: object, private: bool) -> bool:
    if "private" in own.metadata:
        return private
    if own.default_factory is not dataclasses.MISSING:
        return content != own.default_factory()
    return own.default is dataclasses.MISSING or content != own.default
