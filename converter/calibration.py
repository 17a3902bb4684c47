"""The representative data set: pictures that the training saw, a fair share of each class."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from converter.run import Run
from edge_runtime import Dataset, DatasetError, Image, ImageError, Sample, fit
from edge_runtime.dataset import TRAIN
from edge_runtime.pixels import InputRange

DEFAULT_COUNT = 200


def choose_samples(samples: Sequence[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """Up to `count` samples in a fixed random order, as evenly over the classes as they allow.

    Raises:
        DatasetError: fewer pictures wanted than there are classes.
    """
    by_label: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: (sample.label, sample.hash, sample.file)):
        by_label.setdefault(sample.label, []).append(sample)
    if count < len(by_label):
        raise DatasetError(
            f"{count} calibration pictures are fewer than the {len(by_label)} classes; take more"
        )
    shuffle = random.Random(seed)  # noqa: S311 - a choice of pictures, not a secret
    for group in by_label.values():
        shuffle.shuffle(group)
    longest = max(len(group) for group in by_label.values())
    turns = (group[turn] for turn in range(longest) for group in by_label.values() if turn < len(group))
    return tuple(sample for sample, _ in zip(turns, range(count), strict=False))


def read_calibration(run: Run, dataset: Dataset, count: int) -> list[Image]:
    """Decode the chosen pictures of the run's training split, at the model's size.

    Returns:
        uint8 RGB, each of shape (*image_size, 3).

    Raises:
        DatasetError: a picture is gone.
    """
    card = run.card
    chosen = choose_samples(run.split(TRAIN), count, card.seed)
    try:
        return [fit(dataset.read(sample.file), card.image_size, card.resize) for sample in chosen]
    except ImageError as error:
        raise DatasetError(f"a training picture of {run.folder} cannot be read: {error}") from error


def representative_dataset(
    images: Sequence[Image], expected: InputRange
) -> Iterator[list[NDArray[np.float32]]]:
    """The pictures as the converter wants them, each [float32 of shape (1, height, width, 3)].

    Two pixels of the first picture are set to black and white: then the input tensor's scale and zero point
    cover the whole range, and a raw uint8 pixel is the quantized value.
    """
    low, high = expected
    for position, image in enumerate(images):
        pixels = image.astype(np.float32)
        if position == 0:
            pixels[0, 0], pixels[-1, -1] = 0.0, 255.0
        yield [(low + pixels / 255.0 * (high - low))[np.newaxis].astype(np.float32)]
