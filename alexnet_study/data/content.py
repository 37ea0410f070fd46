"""Whether files still hold what they held: digests of their content, of which a sample is compared, or all."""

import hashlib
import random
from collections.abc import Sequence

import numpy as np

from alexnet_study.data.arrays import Array

DIGEST_BYTES = 16
SAMPLE_FILES = 256
SAMPLE_BYTES = 32 << 20


def content_digest(content: bytes) -> Array:
    """Return the first bytes of the SHA-256 of a file's content, uint8 (16,)."""
    return np.frombuffer(hashlib.sha256(content).digest()[:DIGEST_BYTES], dtype=np.uint8)


def digests_of(paths: Sequence[str]) -> Array:
    """Return the digests of files' content, uint8 (F, 16); raise OSError where one cannot be read."""
    digests = np.empty((len(paths), DIGEST_BYTES), dtype=np.uint8)
    for row, path in zip(digests, paths, strict=True):
        row[:] = content_digest(_read(path))
    return digests


def changed_file(paths: Sequence[str], digests: Array, *, every: bool) -> str | None:
    """Return a file whose content isn't that of its digest, or None where none was found.

    Unless `every` file is asked for, those read are drawn at random, another sample each time, as many as make
    256 files or 32 MiB: of a small data set, all.
    """
    order = list(range(len(paths)))
    if not every:
        random.SystemRandom().shuffle(order)  # no generator that anything else draws from
        order = order[:SAMPLE_FILES]
    left = SAMPLE_BYTES
    for index in order:
        try:
            content = _read(paths[index])
        except OSError:
            return paths[index]
        if not np.array_equal(content_digest(content), digests[index]):
            return paths[index]
        left -= len(content)
        if left <= 0 and not every:
            break
    return None


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
