"""Images that a user names one by one, read as those of a folder are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alexnet_study.data.arrays import SIDE, Array
from alexnet_study.data.image_file import decode_image
from alexnet_study.data.image_listing import NAMED, one_line
from alexnet_study.errors import RequestError


def read_images(paths: Sequence[Path]) -> Array:
    """Return images as RGB, resized to 32×32, uint8 (N, 3, 32, 32).

    Raise RequestError, which names the files, where one or more cannot be read.
    """
    images = np.empty((len(paths), 3, SIDE, SIDE), dtype=np.uint8)
    faults = []
    for index, path in enumerate(paths):
        try:
            if not path.is_file():  # a pipe or a device would be waited for
                raise ValueError("not a file" if path.exists() else "no such file")
            images[index] = decode_image(path.read_bytes()).pixels
        except Exception as error:  # a decoder may raise anything on a damaged file
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            faults.append(f"{one_line(str(path))} ({' '.join(reason.split()) or type(error).__name__})")
    if faults:
        more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise RequestError(f"cannot read {', '.join(faults[:NAMED])}{more}; expected image files")
    return images
