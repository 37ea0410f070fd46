"""What a user would write: torchvision's data set and transforms, a DataLoader, `.item()` every step, contiguous fp32.

The published study's own shape, with the same model and recipe. Prints images per second as JSON.

    python benchmarks/dataloader.py --data data/cifar10-jpeg
"""

import argparse
import itertools
import json
import time

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import CIFAR10

from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Split
from alexnet_study.study.normalisation import CIFAR10 as STATISTICS


def torchvision_dataset(split: Split) -> CIFAR10:
    """torchvision's own CIFAR10, holding these images: each is decoded by PIL and transformed when asked for."""
    dataset = CIFAR10.__new__(CIFAR10)
    dataset.data = split.images.permute(0, 2, 3, 1).contiguous().numpy()
    dataset.targets = split.labels.tolist()
    dataset.transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(STATISTICS.mean, STATISTICS.std)]
    )
    dataset.target_transform = None
    return dataset


def alexnet() -> nn.Sequential:
    """The baseline, layer by layer."""
    layers: list[nn.Module] = []
    for inputs, pooled in ((3, True), (64, True), (64, False), (64, False), (64, True)):
        layers += [nn.Conv2d(inputs, 64, 3, padding=1), nn.ReLU()] + [nn.MaxPool2d(2)] * pooled
    layers.append(nn.Flatten())
    for _ in range(2):
        layers += [nn.Dropout(0.5), nn.Linear(1024, 1024), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(1024, 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    loader = DataLoader(torchvision_dataset(load_dataset(arguments.data).train), 256, shuffle=True, num_workers=4)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, criterion = alexnet().to(device), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    total, images, started = 0.0, 0, 0.0
    warm_up = 10
    for step, (inputs, labels) in enumerate(itertools.islice(loader, warm_up + arguments.steps)):
        if step == warm_up:
            images, started = 0, time.perf_counter()
        loss = criterion(model(inputs.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        images += len(labels)
    print(json.dumps({"images_per_second": images / (time.perf_counter() - started)}))


if __name__ == "__main__":
    main()
