"""Where images come from: each source tells what it is, cheaply, and decodes itself to arrays.

A source is one of the table `SOURCES`, `cifar10` or `cifar100` (torchvision's, downloaded into data/ when missing) or
`digits` (scikit-learn's), or a folder with `train/<class>/*` and `test/<class>/*`.
"""

import os
from pathlib import Path
from typing import Protocol

from alexnet_study.data.arrays import Arrays
from alexnet_study.data.cifar10 import Cifar10
from alexnet_study.data.cifar100 import Cifar100
from alexnet_study.data.digits import Digits
from alexnet_study.data.image_folder import ImageFolder
from alexnet_study.data.image_listing import one_line
from alexnet_study.errors import RequestError


class Source(Protocol):
    """What a source of images must tell."""

    def manifest(self) -> dict[str, object]:
        """Return what the data is and, cheaply, whether it changed: names, sizes and times."""

    def files(self) -> list[str]:
        """Return the paths of the files that it is decoded from, in an order of its own; none where it has no files."""

    def notes(self) -> list[str]:
        """Return what a reader should know before using it, a line each."""

    def beside(self) -> Path | None:
        """Return where its cache would lie beside it; None where it has no folder."""

    def decode(self) -> Arrays:
        """Return all of it."""


SOURCES: dict[str, type[Source]] = {"cifar10": Cifar10, "cifar100": Cifar100, "digits": Digits}


def is_source(request: str) -> bool:
    """Return whether a request for data names a source of the table; else it is a folder's path."""
    return request in SOURCES


def expected_data() -> str:
    """Return what a request for data may be, for help and errors: every source's name, or a folder."""
    return f"{', '.join(SOURCES)} or a folder with train/<class>/* and test/<class>/*"


def check_request(request: str) -> None:
    """Raise RequestError where a request for data is neither a source's name nor a folder that exists."""
    if not is_source(request) and not os.path.isdir(request):
        raise RequestError(f"--data {one_line(request)}: no such folder; expected {expected_data()}")


def source_named(request: str) -> Source:
    """Return the source of a request for data: a name's, or that of a folder (one called `digits` is `./digits`).

    Raise RequestError where it is neither, or where the folder does not hold what it should.
    """
    check_request(request)
    return SOURCES[request]() if is_source(request) else ImageFolder(Path(request))
