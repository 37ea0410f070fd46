"""One AlexNet at CIFAR scale; its structure is data (`ModelConfig`), its layers a table."""

from alexnet_study.models.alexnet import AlexNet, build_model
from alexnet_study.models.layers import Dropout
from alexnet_study.models.table import (
    IMAGE_CHANNELS,
    IMAGE_SIDE,
    POOLED,
    Block,
    dense_shapes,
    feature_count,
    layer_table,
    multiply_adds,
    parameter_count,
)

__all__ = [
    "IMAGE_CHANNELS",
    "IMAGE_SIDE",
    "POOLED",
    "AlexNet",
    "Block",
    "Dropout",
    "build_model",
    "dense_shapes",
    "feature_count",
    "layer_table",
    "multiply_adds",
    "parameter_count",
]
