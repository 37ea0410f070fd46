"""CIFAR-100, from torchvision, with its 100 fine labels."""

from alexnet_study.data.cifar10 import DATA, Cifar10


class Cifar100(Cifar10):
    """CIFAR-100 as torchvision downloads and verifies it."""

    request = "cifar100"
    name = "CIFAR-100"
    torchvision_class = "CIFAR100"
    archive = "cifar-100-python.tar.gz"
    folder = DATA / "cifar-100-python"
