"""Whether a heatmap's peak is where the object is: digits pasted at random places of photos.

    python -m benchmarks.studies.heatmaps FOLDER [SEED …]

FOLDER holds `alpaca/`, `mnist.npz` and MobileNetV2 weights without top for alpha 0.35. For each seed a model
is trained on photos with a digit of 56 to 96 pixels in them, and converted, by the commands. Prints in how
many of the test images that are answered correctly the peak of the int8 file's heatmap is on the digit.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.commands import run_tool
from edge_runtime.core import Image, markdown_table
from edge_runtime.images import encode_jpeg, fit, list_images, opencv, read_image, spread
from edge_runtime.inference import ActivationMaps, load_model
from edge_runtime.model import read_model_file

SEEDS = (1, 2, 3)
SIDE = 224
DIGITS = range(6)
TRAIN, TEST = 400, 100
"""Images of each digit."""

SMALLEST, LARGEST = 56, 96
# Digits are nothing like ImageNet, and a few pixels of a photo: the whole network has to learn.
RECIPE = (
    "--fine-tune-at",
    0,
    "--batch-norm",
    "trained",
    "--head-epochs",
    3,
    "--fine-tune-epochs",
    8,
    "--fine-tune-rate",
    2e-3,
)
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Pasted:
    """A photo with a digit in it: the image, the digit, and the box (top, left, bottom, right) of its ink."""

    image: Image
    digit: int
    box: Box


class Painter:
    """Pastes digits on photos.

    Args:
        folder: with the data.
        seed: of places, sizes and photos.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._photos = [
            fit(read_image(path, at_least=SIDE), (SIDE, SIDE)) for path in list_images(folder / "alpaca")
        ]
        with np.load(folder / "mnist.npz", allow_pickle=False) as archive:
            self._mnist = {name: archive[name] for name in archive.files}
        self._random = np.random.default_rng(seed)

    def paint(self, part: str, count: int) -> list[Pasted]:
        """So many images of each digit, of MNIST's part `train` or `test`, on other photos for each."""
        half = len(self._photos) // 2
        photos = self._photos[:half] if part == "train" else self._photos[half:]
        images, targets = self._mnist[f"x_{part}"], self._mnist[f"y_{part}"]
        return [
            self._paste(photos[self._random.integers(len(photos))], images[place], digit)
            for digit in DIGITS
            for place in self._random.permutation(np.flatnonzero(targets == digit))[:count]
        ]

    def _paste(self, photo: Image, digit: NDArray[np.uint8], label: int) -> Pasted:
        side = int(self._random.integers(SMALLEST, LARGEST + 1))
        ink = opencv().resize(digit, (side, side), interpolation=opencv().INTER_LINEAR)
        top, left = (int(each) for each in self._random.integers(0, SIDE - side + 1, 2))
        image = photo.copy()
        area = image[top : top + side, left : left + side]
        weight = (ink / 255.0)[..., np.newaxis]
        area[:] = np.rint(area * (1 - weight) + 255 * weight)
        rows, columns = (np.flatnonzero(ink.max(axis=axis) > 64) for axis in (1, 0))
        box = (top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1)
        return Pasted(image, label, tuple(int(each) for each in box))  # type: ignore[arg-type]


def main(folder: Path, seeds: Sequence[int]) -> None:
    """Print one row for each seed."""
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as work:
            rows.append((str(seed), *_measure(folder, Path(work), seed)))
    columns = ("seed", "test images", "accuracy", "peak on the digit", "mean offset right, down (pixels)")
    print(markdown_table(columns, rows))  # noqa: T201


def _measure(folder: Path, work: Path, seed: int) -> tuple[str, ...]:
    painter = Painter(folder, seed)
    for number, each in enumerate(painter.paint("train", TRAIN)):
        path = work / "images" / str(each.digit) / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(each.image, 92))
    run, model = work / "run", work / "model.tflite"
    weights = folder / "mobilenet_v2_0.35_no_top.weights.h5"
    options = ("--weights", weights, "--alpha", 0.35, "--seed", seed, *RECIPE)
    run_tool("edge-train", work / "images", *options, "--out", run)
    run_tool("edge-convert", run, "--out", model)
    loaded = load_model(read_model_file(model, None))
    maps = ActivationMaps(loaded)
    right, hits, offsets = 0, 0, []
    tests = painter.paint("test", TEST)
    for each in tests:
        scores = loaded.classifier.scores(each.image)
        if int(scores.argmax()) != each.digit:
            continue
        right += 1
        amount = spread(maps.measure(each.image, str(each.digit)), each.image)
        row, column = np.unravel_index(int(amount.argmax()), amount.shape)
        top, left, bottom, end = each.box
        hits += int(top <= row < bottom and left <= column < end)
        offsets.append((column - (left + end) / 2, row - (top + bottom) / 2))
    across, down = np.mean(offsets, axis=0)
    return (
        str(len(tests)),
        f"{right / len(tests):.3f}",
        f"{hits / max(right, 1):.3f}",
        f"{across:+.1f}, {down:+.1f}",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(each) for each in sys.argv[2:]] or SEEDS)
