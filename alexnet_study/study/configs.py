"""The configuration of one run, resolved and frozen."""

from dataclasses import dataclass, field

from alexnet_study.study.validation import check, check_choice

CONV_NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5")
BRANCHES = {name: f"{name}.branch" for name in CONV_NAMES}  # the stage before a skip's sum
PRECISIONS = ("fp32", "tf32", "bf16")
SCHEDULES = ("constant", "one_cycle", "triangular", "cosine")
RISING = ("one_cycle", "triangular")  # schedules that rise before they fall
LOSSES = ("cross_entropy", "squared_error")
HEADS = ("mlp", "linear")
KEEPABLE = ("model", "predictions", "features")  # files of a finished run beside its figures
INITIALISATIONS = ("default", "kaiming", "kaiming_convolutions")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The structure of one AlexNet; the defaults are the baseline.

    skips: convolutions whose input is added to their output after the ReLU, before the pool.
    widths: output channels of conv1 … conv5.
    projection: skips whose channel counts differ go through a 1×1 convolution.
    batch_norm: batch normalisation between each convolution and its ReLU.
    head: `mlp`, the three fully connected layers, or `linear`, one layer on the features.
    hidden: width of the two hidden fully connected layers. dropout: probability before each of them.
    initialisation: PyTorch's default, or `kaiming` (normal, fan-in, biases 0) in every layer that a ReLU follows, or in
    the convolutions alone.
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

    def __post_init__(self) -> None:
        check(len(self.widths) == 5 and min(self.widths) > 0, "widths", self.widths, "five positive channel counts")
        check_choice("head", self.head, HEADS)
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        check(self.hidden > 0, "hidden", self.hidden, "a positive width")
        check(0 <= self.dropout < 1, "dropout", self.dropout, "a probability from 0 to below 1")
        check(len(set(self.skips)) == len(self.skips), "skips", list(self.skips), "each convolution once")
        for name in self.skips:
            self._check_skip(name)
        object.__setattr__(self, "skips", tuple(sorted(self.skips)))  # one identity for one set

    def _check_skip(self, name: str) -> None:
        possible = "any of " + ", ".join(CONV_NAMES[1:]) + " (conv1 has 3 input channels)"
        check(name in CONV_NAMES[1:], "skips", name, possible)
        index = CONV_NAMES.index(name)
        before, after = self.widths[index - 1], self.widths[index]
        reason = f"equal widths or projection: true, since its input has {before} channels and its output {after}"
        check(before == after or self.projection, "skips", name, reason)


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """How a model is trained; the defaults are the published recipe.

    threads: intra-op CPU threads.
    schedule: how the learning rate goes over the run's steps, `learning_rate` being its highest: see
    `training/schedule.py`. warmup_epochs: during which it rises.
    nesterov: Nesterov's momentum in SGD.
    loss: what is minimised. `cross_entropy`, its targets smoothed by `label_smoothing` (Szegedy et al., CVPR 2016, section
    7), or `squared_error`, the mean over images and classes of (logit − one-hot target)². What an epoch records
    as its training loss is the cross-entropy of the unsmoothed targets in any case.
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

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "threads"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "an integer of at least 1")
        check(self.learning_rate > 0, "learning_rate", self.learning_rate, "a number above 0")
        check(0 <= self.momentum < 1, "momentum", self.momentum, "a number from 0 to below 1")
        check(self.weight_decay >= 0, "weight_decay", self.weight_decay, "a number of at least 0")
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("loss", self.loss, LOSSES)
        self._check_combinations()

    def _check_combinations(self) -> None:
        expected = f"from 0 to below the {self.epochs} epochs"
        check(0 <= self.warmup_epochs < self.epochs, "warmup_epochs", self.warmup_epochs, expected)
        rises = self.schedule not in RISING or self.warmup_epochs > 0
        check(rises, "warmup_epochs", self.warmup_epochs, f"a number above 0, during which {self.schedule} rises")
        check(not self.nesterov or self.momentum > 0, "nesterov", self.nesterov, "a momentum above 0 with it")
        expected = "a share from 0 to below 1"
        check(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, expected)
        smoothed = self.loss == "cross_entropy" or not self.label_smoothing
        check(smoothed, "label_smoothing", self.label_smoothing, f"0 with loss: {self.loss}")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run, fully resolved."""

    study: str
    variant: str
    seed: int
    model: ModelConfig
    recipe: RecipeConfig
