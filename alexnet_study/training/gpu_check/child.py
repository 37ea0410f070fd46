"""The other process of the check that compares two: prints the bits of a short training.

python -m alexnet_study.training.gpu_check.child DEVICE MODEL BATCH_SIZE, the model's fields in JSON.
"""

import json
import sys

import torch

from alexnet_study.study.configs import ModelConfig
from alexnet_study.study.validation import build
from alexnet_study.training.gpu_check.checks import digest_here
from alexnet_study.training.gpu_check.place import place_on


def main() -> None:
    """Train and print."""
    device, model, batch_size = sys.argv[1:]
    fields = build(ModelConfig, json.loads(model), "model")
    print(digest_here(place_on(torch.device(device), model=fields, batch_size=int(batch_size))))


if __name__ == "__main__":
    main()
