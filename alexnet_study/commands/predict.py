"""What a finished run's model says of images: the class and all probabilities, as CSV.

alexnet-study predict --run results/skip/skip/seed-0 photo.jpg --saliency where
"""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alexnet_study.commands.options import Parser

if TYPE_CHECKING:
    import torch

    from alexnet_study.evaluation.trained_model import TrainedModel

MAGNIFIED = 8  # a pixel's side in a picture


def parser(program: str) -> Parser:
    """Return the parser of the command's options."""
    parser = Parser(prog=program, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, metavar="FOLDER", help="a finished run's folder")
    parser.add_argument("--lesioned", action="store_true", help="with every skip connection left out")
    parser.add_argument("--saliency", type=Path, metavar="FOLDER", help="draw there which pixels the answer hangs on")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="an image file of any size")
    return parser


def main(program: str, words: Sequence[str]) -> int:
    """Print a line for each image."""
    arguments = parser(program).parse_args(words)
    from alexnet_study.api import load_run

    run = load_run(arguments.run)
    from alexnet_study.data.given_images import read_images

    pixels = read_images(arguments.images)
    import torch

    torch.set_num_threads(run.identity.threads)
    model, images = run.model(lesioned=arguments.lesioned), torch.from_numpy(pixels)
    with torch.no_grad():
        probabilities = model.probabilities(images)
    sys.stdout.write(_table(arguments.images, run.classes, probabilities))
    if arguments.saliency:
        _draw(arguments.saliency, arguments.images, model, images, probabilities.argmax(1))
    return 0


def _table(paths: Sequence[Path], classes: Sequence[str], probabilities: "torch.Tensor") -> str:
    """Return CSV: image, predicted class, and the probability of each class."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "predicted", *(f"p({name})" for name in classes)])
    for path, row in zip(paths, probabilities.tolist(), strict=True):
        writer.writerow([path, classes[row.index(max(row))], *(f"{value:.6g}" for value in row)])
    return text.getvalue()


def _draw(
    folder: Path, paths: Sequence[Path], model: "TrainedModel", images: "torch.Tensor", classes: "torch.Tensor"
) -> None:
    """Write a picture of each image beside its saliency, as `001-<name>.png` in the order of the images."""
    import numpy as np
    from PIL import Image

    from alexnet_study.evaluation.saliency import saliency
    from alexnet_study.files import write_atomically

    maps = saliency(model, images, classes).numpy()
    digits = len(str(len(paths)))
    for number, (path, image, found) in enumerate(zip(paths, images.numpy(), maps, strict=True), 1):
        grey = np.repeat(np.rint(found * 255).astype(np.uint8)[:, :, None], 3, axis=2)
        both = Image.fromarray(np.concatenate([image.transpose(1, 2, 0), grey], axis=1))
        both = both.resize((both.width * MAGNIFIED, both.height * MAGNIFIED), Image.Resampling.NEAREST)
        content = io.BytesIO()
        both.save(content, format="PNG")
        write_atomically(folder / f"{number:0{digits}}-{path.stem}.png", content.getbuffer())
