"""The layer table: a model's blocks and fully connected layers, and their counts in closed form."""

import itertools
from dataclasses import dataclass

from alexnet_study.study.configs import CONV_NAMES, ModelConfig

IMAGE_CHANNELS = 3
IMAGE_SIDE = 32
POOLED = ("conv1", "conv2", "conv5")  # these blocks end in a max-pool that halves the side


@dataclass(frozen=True, kw_only=True)
class Block:
    """One row of the table: a convolution on a `side`×`side` map, its skip and its pool.

    projected: whether the skip goes through a 1×1 convolution.
    """

    name: str
    inputs: int
    outputs: int
    side: int
    kernel: int
    pooled: bool
    skip: bool
    projected: bool


def layer_table(config: ModelConfig) -> list[Block]:
    """Return the five convolutional blocks of a configuration."""
    blocks: list[Block] = []
    inputs, side = IMAGE_CHANNELS, IMAGE_SIDE
    for name, outputs, kernel in zip(CONV_NAMES, config.widths, config.kernel, strict=True):
        skip = name in config.skips
        own = Block(
            name=name,
            inputs=inputs,
            outputs=outputs,
            side=side,
            kernel=kernel,
            pooled=name in POOLED,
            skip=skip,
            projected=skip and (inputs != outputs or config.project_equal),
        )
        blocks.append(own)
        inputs, side = outputs, side // 2 if own.pooled else side
    return blocks


def feature_side(config: ModelConfig) -> int:
    """Return the side of conv5's output after its pool."""
    return layer_table(config)[-1].side // 2


def feature_count(config: ModelConfig) -> int:
    """Return D, the length of the flattened output of conv5."""
    return config.widths[-1] * feature_side(config) ** 2


def dense_shapes(config: ModelConfig, classes: int) -> list[tuple[int, int]]:
    """Return (inputs, outputs) of the fully connected layers."""
    features = config.widths[-1] if config.pools_features else feature_count(config)
    hidden = [config.hidden, config.hidden] if config.head == "mlp" else []
    return list(itertools.pairwise([features, *hidden, classes]))


def parameter_count(config: ModelConfig, classes: int) -> int:
    """Return the number of trainable parameters, in closed form."""
    blocks = layer_table(config)
    convolutions = sum(b.kernel**2 * b.inputs * b.outputs + b.outputs for b in blocks)
    norms = sum(2 * b.outputs for b in blocks) if config.normalisation in ("batch", "group") else 0
    projections = sum(b.inputs * b.outputs for b in blocks if b.projected)
    return convolutions + norms + projections + sum(i * o + o for i, o in dense_shapes(config, classes))


def multiply_adds(config: ModelConfig, classes: int) -> int:
    """Return the multiply-adds of one image's forward pass in convolutions and fully connected layers."""
    blocks = layer_table(config)
    convolutions = sum((b.kernel**2 + b.projected) * b.inputs * b.outputs * b.side**2 for b in blocks)
    return convolutions + sum(i * o for i, o in dense_shapes(config, classes))
