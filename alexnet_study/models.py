"""One AlexNet at CIFAR scale; its structure is data (`ModelConfig`), its layers a table.

images (B, 3, 32, 32) → conv1 … conv5 → features (B, D) → classifier → logits (B, C)
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alexnet_study.study.configs import BRANCHES, CONV_NAMES, ModelConfig

IMAGE_CHANNELS = 3
IMAGE_SIDE = 32
POOLED = ("conv1", "conv2", "conv5")  # these blocks end in a 2×2 max-pool


@dataclass(frozen=True, kw_only=True)
class Block:
    """One row of that table: a 3×3 convolution on a `side`×`side` map, its skip and its pool."""

    name: str
    inputs: int
    outputs: int
    side: int
    pooled: bool
    skip: bool

    @property
    def projected(self) -> bool:
        """Whether the skip needs a 1×1 convolution because the channel counts differ."""
        return self.skip and self.inputs != self.outputs


def layer_table(config: ModelConfig) -> list[Block]:
    """The five convolutional blocks of a configuration."""
    blocks: list[Block] = []
    inputs, side = IMAGE_CHANNELS, IMAGE_SIDE
    for name, outputs in zip(CONV_NAMES, config.widths, strict=True):
        pooled = name in POOLED
        skip = name in config.skips
        blocks.append(Block(name=name, inputs=inputs, outputs=outputs, side=side, pooled=pooled, skip=skip))
        inputs, side = outputs, side // 2 if pooled else side
    return blocks


def feature_count(config: ModelConfig) -> int:
    """D, the length of the flattened output of conv5."""
    last = layer_table(config)[-1]
    return last.outputs * (last.side // 2) ** 2


def dense_shapes(config: ModelConfig, classes: int) -> list[tuple[int, int]]:
    """(inputs, outputs) of the fully connected layers."""
    hidden = [config.hidden, config.hidden] if config.head == "mlp" else []
    widths = [feature_count(config), *hidden, classes]
    return list(itertools.pairwise(widths))


def parameter_count(config: ModelConfig, classes: int) -> int:
    """Trainable parameters, in closed form."""
    blocks = layer_table(config)
    convolutions = sum(9 * b.inputs * b.outputs + b.outputs for b in blocks)
    norms = sum(2 * b.outputs for b in blocks) if config.batch_norm else 0
    projections = sum(b.inputs * b.outputs for b in blocks if b.projected)
    return convolutions + norms + projections + sum(i * o + o for i, o in dense_shapes(config, classes))


def multiply_adds(config: ModelConfig, classes: int) -> int:
    """Multiply-adds of one image's forward pass in convolutions and fully connected layers, in closed form."""
    blocks = layer_table(config)
    convolutions = sum((9 + b.projected) * b.inputs * b.outputs * b.side**2 for b in blocks)
    return convolutions + sum(i * o for i, o in dense_shapes(config, classes))


class Dropout(nn.Module):
    """Dropout whose masks cost a tenth of `nn.Dropout`'s on a CPU: 16 random bits an element, so p is exact to 2⁻¹⁶.

    Masks come from `generator`, or from PyTorch's own where it is None; whoever trains sets and seeds it.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.generator: torch.Generator | None = None
        self.threshold = min(round(p * 2**16), 2**16 - 1)  # of 2¹⁶ equally likely draws, those below are dropped

    def forward(self, x: Tensor) -> Tensor:
        """x, elements dropped with probability p and the others scaled by 1 / (1 − p), in training; else x itself."""
        return x * self._mask(x) if self.training and self.threshold else x

    def _mask(self, x: Tensor) -> Tensor:
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=self.generator)
        draws = words.view(torch.int16)[: x.numel()].view(x.shape)  # uniform over −2¹⁵ … 2¹⁵ − 1
        kept = draws >= self.threshold - 2**15
        return kept.to(x.dtype).mul_(2**16 / (2**16 - self.threshold))


class AlexNet(nn.Module):
    """`config`'s AlexNet for `classes` classes.

    Projections are made last: a variant that adds one starts from the same weights elsewhere.
    """

    def __init__(self, config: ModelConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.blocks = layer_table(config)
        self.convolutions = nn.ModuleDict({b.name: nn.Conv2d(b.inputs, b.outputs, 3, padding=1) for b in self.blocks})
        self.classifier = _classifier(config, classes)
        norms = {b.name: nn.BatchNorm2d(b.outputs) for b in self.blocks} if config.batch_norm else {}
        self.norms = nn.ModuleDict(norms)
        projected = [b for b in self.blocks if b.projected]
        self.projections = nn.ModuleDict({b.name: nn.Conv2d(b.inputs, b.outputs, 1, bias=False) for b in projected})
        self._initialise_for_relu()

    def _initialise_for_relu(self) -> None:
        """Variance 2/fan-in and no bias (He et al., ICCV 2015, equation 10) in the layers that the config names."""
        *hidden, _ = [layer for layer in self.classifier if isinstance(layer, nn.Linear)]
        convolutions = [layer for layer in self.convolutions.values() if isinstance(layer, nn.Conv2d)]
        chosen: dict[str, list[nn.Conv2d | nn.Linear]] = {
            "default": [],
            "kaiming": [*convolutions, *hidden],
            "kaiming_convolutions": [*convolutions],
        }
        for layer in chosen[self.config.initialisation]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor, *, lesioned: bool = False) -> Tensor:
        """Logits (B, C) of normalised images (B, 3, 32, 32); `lesioned` leaves every skip out."""
        return self.classify(self.features(images, lesioned=lesioned))

    def features(self, images: Tensor, *, lesioned: bool = False) -> Tensor:
        """The flattened output of conv5, (B, D)."""
        x = images
        for block in self.blocks:
            x = self._without_skip(block, x) if lesioned or not block.skip else self._with_skip(block, x)[1]
        return x.flatten(1)

    def classify(self, features: Tensor) -> Tensor:
        """Logits (B, C) of features (B, D)."""
        logits: Tensor = self.classifier(features)
        return logits

    def draw_from(self, generator: torch.Generator) -> None:
        """Take dropout's masks from `generator`, which must be on the model's device."""
        for module in self.classifier:
            if isinstance(module, Dropout):
                module.generator = generator

    def trace(self, images: Tensor) -> Iterator[tuple[str, str, Tensor]]:
        """(evaluation, stage, output after the pool) of each block, `intact` and, of a model with skips, `lesioned`.

        Of a block with a skip also `intact`'s `convK.branch`, before the sum. What both evaluations share is one
        tensor, computed once: all up to the first skip, whose lesioned output is its branch.
        """
        intact = lesioned = images
        for block in self.blocks:
            parted = intact is not lesioned
            if block.skip:
                whole, summed = self._with_skip(block, intact)
                branch, intact = _pool(block, whole), summed
                yield "intact", BRANCHES[block.name], branch
                lesioned = self._without_skip(block, lesioned) if parted else branch
            else:
                intact = self._without_skip(block, intact)
                lesioned = self._without_skip(block, lesioned) if parted else intact
            yield "intact", block.name, intact
            if self.config.skips:
                yield "lesioned", block.name, lesioned

    def _with_skip(self, block: Block, x: Tensor) -> tuple[Tensor, Tensor]:
        """The branch as it is, (B, outputs, side, side), and the pooled sum."""
        branch = F.relu(self._preactivation(block, x))
        return branch, _pool(block, branch + self._shortcut(block, x))

    def _without_skip(self, block: Block, x: Tensor) -> Tensor:
        # pool and ReLU commute, exactly; this order does a quarter of the work
        return F.relu(_pool(block, self._preactivation(block, x)))

    def _preactivation(self, block: Block, x: Tensor) -> Tensor:
        z: Tensor = self.convolutions[block.name](x)
        return self.norms[block.name](z) if self.config.batch_norm else z

    def _shortcut(self, block: Block, x: Tensor) -> Tensor:
        return self.projections[block.name](x) if block.projected else x


def build_model(config: ModelConfig, classes: int, *, seed: int) -> AlexNet:
    """The model with the initial weights of `seed`, in channels-last layout; global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AlexNet(config, classes).to(memory_format=torch.channels_last)


def _classifier(config: ModelConfig, classes: int) -> nn.Sequential:
    *hidden, last = dense_shapes(config, classes)
    layers: list[nn.Module] = []
    for inputs, outputs in hidden:
        layers += [Dropout(config.dropout), nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(*last))


def _pool(block: Block, x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2) if block.pooled else x
