"""The model.

images (B, 3, 32, 32) → conv1 … conv5 → features (B, D) → classifier → logits (B, C)
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from alexnet_study.models.layers import (
    ACTIVATION_LAYERS,
    ACTIVATIONS,
    Dropout,
    GlobalPool,
    Scale,
    max_pool,
    normalisations,
)
from alexnet_study.models.response_norm import RESPONSE_NORMALISED, local_response
from alexnet_study.models.table import Block, dense_shapes, layer_table
from alexnet_study.study.configs import BRANCHES, ModelConfig


class AlexNet(nn.Module):
    """`config`'s AlexNet for `classes` classes.

    Projections are made last: a variant that adds one starts from the same weights elsewhere.
    """

    def __init__(self, config: ModelConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.blocks = layer_table(config)
        self.convolutions = nn.ModuleDict({b.name: _convolution(b) for b in self.blocks})
        self.classifier = _classifier(config, classes)
        self.norms = normalisations(config.normalisation, {b.name: b.outputs for b in self.blocks}, config.groups)
        projected = [b for b in self.blocks if b.projected]
        self.projections = nn.ModuleDict({b.name: nn.Conv2d(b.inputs, b.outputs, 1, bias=False) for b in projected})
        self.dropouts = nn.ModuleDict({name: Dropout(config.dropout) for name in config.dropped_convolutions})
        self._activate = ACTIVATIONS[config.activation]
        self._initialise_for_relu()
        if config.initialisation == "whitening":  # who trains it sets the weights, from the training images
            self.convolutions["conv1"].get_parameter("weight").requires_grad_(False)

    def _initialise_for_relu(self) -> None:
        """Variance 2/fan-in and no bias (He et al., ICCV 2015, equation 10) in the layers that the config names."""
        *hidden, _ = [layer for layer in self.classifier if isinstance(layer, nn.Linear)]
        convolutions = [layer for layer in self.convolutions.values() if isinstance(layer, nn.Conv2d)]
        chosen: dict[str, list[nn.Conv2d | nn.Linear]] = {
            "default": [],
            "kaiming": [*convolutions, *hidden],
            "kaiming_convolutions": [*convolutions],
            "whitening": [],
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
            x = self._dropped(block, x)
            x = self._without_skip(block, x) if lesioned or not block.skip else self._with_skip(block, x)[1]
        return x.flatten(1)

    def classify(self, features: Tensor) -> Tensor:
        """Logits (B, C) of features (B, D)."""
        logits: Tensor = self.classifier(features)
        return logits

    def draw_from(self, generator: torch.Generator) -> None:
        """Take dropout's masks from `generator`, which must be on the model's device."""
        for module in self.modules():
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
                branch, intact = self._pool(block, whole), summed
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
        branch = self._activated(block, x)
        return branch, self._pool(block, branch + self._shortcut(block, x))

    def _without_skip(self, block: Block, x: Tensor) -> Tensor:
        if self.config.activation == "relu" and not self._responds(block):
            # pool and ReLU commute, exactly; this order does a quarter of the work
            return self._activate(self._pool(block, self._preactivation(block, x)))
        return self._pool(block, self._activated(block, x))

    def _preactivation(self, block: Block, x: Tensor) -> Tensor:
        z: Tensor = self.convolutions[block.name](x)
        return self.norms[block.name](z) if block.name in self.norms else z

    def _activated(self, block: Block, x: Tensor) -> Tensor:
        z = self._activate(self._preactivation(block, x))
        return local_response(z) if self._responds(block) else z

    def _responds(self, block: Block) -> bool:
        return self.config.norm == "local_response" and block.name in RESPONSE_NORMALISED

    def _dropped(self, block: Block, x: Tensor) -> Tensor:
        return self.dropouts[block.name](x) if block.name in self.dropouts else x

    def _pool(self, block: Block, x: Tensor) -> Tensor:
        return max_pool(x, self.config.pool) if block.pooled else x

    def _shortcut(self, block: Block, x: Tensor) -> Tensor:
        return self.projections[block.name](x) if block.projected else x


def build_model(config: ModelConfig, classes: int, *, seed: int) -> AlexNet:
    """The model with the initial weights of `seed`, in channels-last layout; global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AlexNet(config, classes).to(memory_format=torch.channels_last)


def _convolution(block: Block) -> nn.Conv2d:
    return nn.Conv2d(block.inputs, block.outputs, block.kernel, padding=block.kernel // 2)


def _classifier(config: ModelConfig, classes: int) -> nn.Sequential:
    *hidden, last = dense_shapes(config, classes)
    layers: list[nn.Module] = []
    if config.pools_features:
        layers.append(GlobalPool(last[0], config.head))
    for number, (inputs, outputs) in enumerate(hidden, 1):
        layers += [*_dropout(config, f"hidden{number}"), nn.Linear(inputs, outputs)]
        layers.append(ACTIVATION_LAYERS[config.activation]())
    layers += [*_dropout(config, "output"), nn.Linear(*last)]
    return nn.Sequential(*layers, *([] if config.logit_scale == 1 else [Scale(config.logit_scale)]))


def _dropout(config: ModelConfig, place: str) -> list[nn.Module]:
    return [Dropout(config.dropout)] if place in config.dropout_before else []
