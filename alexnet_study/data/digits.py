"""Handwritten digits, which ship with scikit-learn: a data set that needs no network."""

import numpy as np

from alexnet_study.data.arrays import SIDE, Arrays


class Digits:
    """scikit-learn's 1,797 handwritten digits, enlarged from 8×8; a stratified 80/20 split."""

    def manifest(self) -> dict[str, object]:
        """Return the name alone: the data ships with scikit-learn and does not change."""
        return {"kind": "digits", "name": "scikit-learn's handwritten digits, stratified 80/20 split", "files": []}

    def files(self) -> list[str]:
        """Return no path: what is installed does not change."""
        return []

    def notes(self) -> list[str]:
        """Return no note: nothing is left out."""
        return []

    def beside(self) -> None:
        """Return None: the data has no folder of its own."""

    def decode(self) -> Arrays:
        """Return the 8×8 grey levels 0…16 as 32×32 RGB, bilinear."""
        from PIL import Image
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        digits = load_digits()
        grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        large = np.stack(
            [np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for image in grey]
        )
        images = np.repeat(large[:, None], 3, axis=1)
        labels = digits.target.astype(np.int64)
        train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=0, stratify=labels)
        return Arrays(
            train_images=images[train],
            train_labels=labels[train],
            test_images=images[test],
            test_labels=labels[test],
            classes=tuple(str(name) for name in digits.target_names),
        )
