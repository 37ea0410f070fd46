"""A progress bar for what takes long while data is decoded, where somebody looks at a terminal."""

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def shown_progress(items: Sequence[T], what: str) -> Iterator[T]:
    """Yield the items, with a bar on standard error that names what is done, if that is a terminal."""
    from tqdm import tqdm

    yield from tqdm(items, desc=what, unit="image", leave=False, disable=not sys.stderr.isatty())
