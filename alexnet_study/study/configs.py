"""The configuration of one run, resolved and frozen."""

from dataclasses import dataclass, field, replace

from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics
from alexnet_study.study.validation import check, check_choice

CONV_NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5")
BRANCHES = {name: f"{name}.branch" for name in CONV_NAMES}  # the stage before a skip's sum
MEASURABLE = ("metrics", "pca", "regressors", "mirrored")
MEASURED = ("metrics", "pca", "regressors")
PRECISIONS = ("fp32", "tf32", "bf16")
SCHEDULES = ("constant", "one_cycle", "triangular", "cosine")
RISING = ("one_cycle", "triangular")  # schedules that rise before they fall
OPTIMIZERS = ("sgd", "adamw", "muon")
AVERAGES = ("none", "ema", "lookahead")
FLIPS = ("none", "random", "alternating")
LARGEST_SHIFT = 31  # pixels: a reflection reaches no further
LOSSES = ("cross_entropy", "squared_error")
KEEPABLE = ("model", "predictions", "features")  # files of a finished run beside its figures
HEADS = ("mlp", "linear", "pooled", "max_pooled")
ACTIVATIONS = ("relu", "tanh", "gelu", "silu")
NORMS = ("none", "batch", "local_response", "group")
POOLS = ("plain", "overlapping")
HIDDEN_NAMES = ("hidden1", "hidden2")  # of the head mlp
DROPOUT_PLACES = (*CONV_NAMES[1:], *HIDDEN_NAMES, "output")
INITIALISATIONS = ("default", "kaiming", "kaiming_convolutions", "whitening")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The structure of one AlexNet; the defaults are the baseline.

    skips: convolutions whose input is added to their output after the activation, before the pool.
    widths: output channels of conv1 … conv5. kernel: the sides of their kernels, odd.
    projection: skips whose channel counts differ go through a 1×1 convolution; project_equal: the others too.
    norm: `batch` or `group` normalisation between each convolution and its activation, the latter over `groups` groups
    of channels (1: layer normalisation over channels and places); or `local_response` normalisation after the
    activations of conv1 and conv2, with the constants of Krizhevsky et al., 2012.
    batch_norm: the elder spelling of `norm: batch`, and what that becomes: both are one identity, read as
    `normalisation`.
    activation: after every convolution and hidden layer; gelu is the exact one.
    pool: max-pooling of `plain` 2×2 squares, or of `overlapping` 3×3 squares, two pixels apart.
    head: `mlp`, the three fully connected layers; `linear`, one layer on the features; `pooled` or `max_pooled`, one
    layer on the mean or the largest value of each channel. logit_scale: a fixed factor on what it gives.
    hidden: width of the two hidden fully connected layers.
    dropout: probability before each layer of `dropout_before`; a head without hidden layers has none there.
    initialisation: PyTorch's default, or `kaiming` (normal, fan-in, biases 0) in every layer that a ReLU follows, or in
    the convolutions alone. `whitening`: the weights of conv1 whiten patches of the training images, and stay so.
    A field that is added tells with `since` in its metadata in which version of the identity; see `study/identity.py`.
    """

    skips: tuple[str, ...] = ()
    widths: tuple[int, ...] = (64, 64, 64, 64, 64)
    projection: bool = False
    batch_norm: bool = False
    head: str = "mlp"
    hidden: int = 1024
    dropout: float = 0.5
    initialisation: str = field(default="default", metadata={"since": 2})
    activation: str = field(default="relu", metadata={"since": 3})
    pool: str = field(default="plain", metadata={"since": 3})
    kernel: tuple[int, ...] = field(default=(3, 3, 3, 3, 3), metadata={"since": 3})
    project_equal: bool = field(default=False, metadata={"since": 3})
    dropout_before: tuple[str, ...] = field(default=HIDDEN_NAMES, metadata={"since": 3})
    logit_scale: float = field(default=1.0, metadata={"since": 3})
    norm: str = field(default="none", metadata={"since": 3})
    groups: int = field(default=32, metadata={"since": 3})

    def __post_init__(self) -> None:
        check(len(self.widths) == 5 and min(self.widths) > 0, "widths", self.widths, "five positive channel counts")
        odd = len(self.kernel) == 5 and all(side > 0 and side % 2 for side in self.kernel)
        check(odd, "kernel", list(self.kernel), "five odd sides, as [5, 3, 3, 3, 3]")
        check_choice("head", self.head, HEADS)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("pool", self.pool, POOLS)
        check(self.logit_scale > 0, "logit_scale", self.logit_scale, "a number above 0")
        self._check_initialisation()
        check(self.hidden > 0, "hidden", self.hidden, "a positive width")
        check(0 <= self.dropout < 1, "dropout", self.dropout, "a probability from 0 to below 1")
        check(len(set(self.skips)) == len(self.skips), "skips", list(self.skips), "each convolution once")
        for name in self.skips:
            self._check_skip(name)
        right = self.projection or not self.project_equal
        check(right, "project_equal", self.project_equal, "projection: true with it")
        object.__setattr__(self, "skips", tuple(sorted(self.skips)))  # one identity for one set
        self._settle_dropout()
        self._settle_norm()

    @property
    def normalisation(self) -> str:
        """Return the normalisation, however it was spelt."""
        return "batch" if self.batch_norm else self.norm

    @property
    def pools_features(self) -> bool:
        """Return whether the head pools each channel to one number."""
        return self.head in ("pooled", "max_pooled")

    @property
    def dropped_convolutions(self) -> tuple[str, ...]:
        """Return the convolutions that have dropout before them."""
        return tuple(name for name in self.dropout_before if name in CONV_NAMES)

    def _check_initialisation(self) -> None:
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        right = self.activation == "relu" or not self.initialisation.startswith("kaiming")
        check(right, "initialisation", self.initialisation, f"default with activation: {self.activation}")
        width, most = self.widths[0], 2 * 3 * self.kernel[0] ** 2
        right = self.initialisation != "whitening" or (width % 2 == 0 and width <= most)
        expected = (
            f"an even width of conv1 of at most {most} with it, twice what a patch of kernel {self.kernel[0]} has"
        )
        check(right, "initialisation", self.initialisation, expected)

    def _settle_dropout(self) -> None:
        """One order for one set; RequestError for a layer that the head lacks, unless it is the default's."""
        places = self.dropout_before
        for place in places:
            check_choice("dropout_before", place, DROPOUT_PLACES)
        check(len(set(places)) == len(places), "dropout_before", list(places), "each layer once")
        ordered = tuple(place for place in DROPOUT_PLACES if place in places)
        object.__setattr__(self, "dropout_before", ordered)
        hidden = self.head == "mlp" or ordered == HIDDEN_NAMES or not set(ordered) & set(HIDDEN_NAMES)
        check(hidden, "dropout_before", list(places), f"no hidden layer with head: {self.head}")

    def _settle_norm(self) -> None:
        check_choice("norm", self.norm, NORMS)
        check(not self.batch_norm or self.norm in ("none", "batch"), "norm", self.norm, "batch with batch_norm: true")
        check(self.groups >= 1, "groups", self.groups, "an integer of at least 1")
        even = self.norm != "group" or not any(width % self.groups for width in self.widths)
        check(even, "groups", self.groups, f"a number that divides each of the widths {list(self.widths)}")
        if self.norm == "batch":
            object.__setattr__(self, "batch_norm", True)
            object.__setattr__(self, "norm", "none")

    def _check_skip(self, name: str) -> None:
        possible = "any of " + ", ".join(CONV_NAMES[1:]) + " (conv1 has 3 input channels)"
        check(name in CONV_NAMES[1:], "skips", name, possible)
        index = CONV_NAMES.index(name)
        before, after = self.widths[index - 1], self.widths[index]
        reason = f"equal widths or projection: true, since its input has {before} channels and its output {after}"
        check(before == after or self.projection, "skips", name, reason)


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How training images are changed, anew in each epoch; none by default.

    flip: mirrored at `random`, half of them, or `alternating`: half of them, the other half in the next epoch.
    translate: by up to so many pixels in each direction, what comes in being the image's reflection.
    cutout: the side in pixels of a square that is covered with the mean colour, its centre anywhere.
    """

    flip: str = "none"
    translate: int = 0
    cutout: int = 0

    def __post_init__(self) -> None:
        check_choice("flip", self.flip, FLIPS)
        expected = f"pixels from 0 to {LARGEST_SHIFT}"
        check(0 <= self.translate <= LARGEST_SHIFT, "translate", self.translate, expected)
        check(0 <= self.cutout <= LARGEST_SHIFT, "cutout", self.cutout, expected)


@dataclass(frozen=True, kw_only=True)
class DecayFactors:
    """What the recipe's weight decay is multiplied by for each kind of parameter.

    convolutions, dense: the weights of convolutions (projections too) and of fully connected layers. biases: of either.
    norms: scales and shifts of normalisations.
    """

    convolutions: float = 1.0
    dense: float = 1.0
    biases: float = 1.0
    norms: float = 1.0

    def __post_init__(self) -> None:
        for name in ("convolutions", "dense", "biases", "norms"):
            check(getattr(self, name) >= 0, name, getattr(self, name), "a number of at least 0")


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """How a model is trained; the defaults are the published recipe.

    threads: intra-op CPU threads.
    schedule: how the learning rate goes over the run's steps, `learning_rate` being its highest: see
    `training/schedule.py`. warmup_epochs: during which it rises.
    optimizer: `sgd`; `adamw`, whose β₁ is the momentum; or `muon` for the weights of all layers but the last, adamw for
    what is left. nesterov: Nesterov's momentum, in sgd and muon. weight_decay is decoupled in adamw and muon.
    average: of the weights, evaluated in their place. `ema`: the exponential moving average that keeps a share
    `average_decay` in each step; `lookahead`: slow weights.
    loss: what is minimised. `cross_entropy`, its targets smoothed by `label_smoothing` (Szegedy et al., CVPR 2016,
    section 7), or `squared_error`, the mean over images and classes of (logit − one-hot target)². What an epoch records
    as its training loss is the cross-entropy of the unsmoothed targets in any case.
    normalisation: what the values of each channel, from 0 to 1, are normalised by.
    """

    epochs: int = 5
    batch_size: int = 256
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    precision: str = "fp32"
    threads: int = 2
    schedule: str = field(default="constant", metadata={"since": 3})
    warmup_epochs: float = field(default=0.0, metadata={"since": 3})
    nesterov: bool = field(default=False, metadata={"since": 3})
    loss: str = field(default="cross_entropy", metadata={"since": 3})
    label_smoothing: float = field(default=0.0, metadata={"since": 3})
    optimizer: str = field(default="sgd", metadata={"since": 3})
    weight_decay_factors: DecayFactors = field(default_factory=DecayFactors, metadata={"since": 3})
    average: str = field(default="none", metadata={"since": 3})
    average_decay: float = field(default=0.99, metadata={"since": 3})
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig, metadata={"since": 3})
    normalisation: ChannelStatistics = field(default=CIFAR10, metadata={"since": 4})

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "threads"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "an integer of at least 1")
        check(self.learning_rate > 0, "learning_rate", self.learning_rate, "a number above 0")
        check(0 <= self.momentum < 1, "momentum", self.momentum, "a number from 0 to below 1")
        check(self.weight_decay >= 0, "weight_decay", self.weight_decay, "a number of at least 0")
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("loss", self.loss, LOSSES)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("average", self.average, AVERAGES)
        check(0 <= self.average_decay < 1, "average_decay", self.average_decay, "a share from 0 to below 1")
        self._check_combinations()

    def _check_combinations(self) -> None:
        expected = f"from 0 to below the {self.epochs} epochs"
        check(0 <= self.warmup_epochs < self.epochs, "warmup_epochs", self.warmup_epochs, expected)
        rises = self.schedule not in RISING or self.warmup_epochs > 0
        check(rises, "warmup_epochs", self.warmup_epochs, f"a number above 0, during which {self.schedule} rises")
        right = not self.nesterov or (self.momentum > 0 and self.optimizer != "adamw")
        check(right, "nesterov", self.nesterov, "optimizer: sgd or muon, and a momentum above 0, with it")
        expected = "a share from 0 to below 1"
        check(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, expected)
        smoothed = self.loss == "cross_entropy" or not self.label_smoothing
        check(smoothed, "label_smoothing", self.label_smoothing, f"0 with loss: {self.loss}")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run, fully resolved.

    measure: what is measured of the trained model, some of MEASURABLE; not part of its identity, as no result depends
    on it. holdout: training images, evenly over classes, that are kept from training and used in place of the test set.
    normalised_by_data: whether the study leaves the recipe's normalisation to the data; see `on_data`.
    """

    study: str
    variant: str
    seed: int
    model: ModelConfig
    recipe: RecipeConfig
    measure: tuple[str, ...] = MEASURED
    holdout: int = 0
    normalised_by_data: bool = False

    def on_data(self, normalisation: ChannelStatistics) -> "RunConfig":
        """Return the run on data that are normalised by these statistics, unless the study gives others."""
        if not self.normalised_by_data:
            return self
        return replace(self, recipe=replace(self.recipe, normalisation=normalisation), normalised_by_data=False)
