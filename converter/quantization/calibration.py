"""The representative dataset: training images, as evenly over the classes as they allow."""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.quantization.fitted_images import FittedImages
from edge_runtime.core import DatasetError, Image, ImageError, Tick, map_in_order, no_tick, sha256
from edge_runtime.datasets import (
    TRAIN,
    Dataset,
    Run,
    Sample,
    format_split,
    image_loader,
    open_dataset,
    pixel_hash,
)
from edge_runtime.images import list_images
from edge_runtime.inference import InputRange
from edge_runtime.model import ModelCard

DEFAULT_COUNT = 200
MAX_UNUSABLE = 0.1
MIN_SPAN = 64

# Correlation of neighbouring pixels: 0.9 and more in a photograph, none in noise.
_MIN_CORRELATION = 0.2


@dataclass(frozen=True)
class CalibrationSet:
    """The images that ranges are measured with.

    Attributes:
        samples: with the hashes of their pixels.
        images: uint8 RGB, each of shape (*image_size, 3), one per sample.
    """

    samples: tuple[Sample, ...]
    images: tuple[Image, ...]

    @property
    def sha256(self) -> str:
        """A hash of the list: files, labels and pixels."""
        return sha256(format_split(self.samples))


def choose_samples(samples: Sequence[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """Up to `count` samples in a fixed random order, as evenly over the classes as they allow.

    Raises:
        DatasetError: fewer images wanted than there are classes.
    """
    by_label: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: (sample.label, sample.hash, sample.file)):
        by_label.setdefault(sample.label, []).append(sample)
    if count < len(by_label):
        raise DatasetError(
            f"{count} calibration images are fewer than the {len(by_label)} classes; take more"
        )
    shuffle = random.Random(seed)  # noqa: S311 - a choice of images, not a secret
    for group in by_label.values():
        shuffle.shuffle(group)
    longest = max((len(group) for group in by_label.values()), default=0)
    turns = (group[turn] for turn in range(longest) for group in by_label.values() if turn < len(group))
    return tuple(sample for sample, _ in zip(turns, range(count), strict=False))


def read_calibration(
    run: Run, dataset: Dataset, count: int, *, folder: Path | None = None, tick: Tick = no_tick
) -> CalibrationSet:
    """Decode calibration images with the device's own `read_image` and `fit`.

    Args:
        run: gives the training split, the size and the seed.
        dataset: the run's data.
        count: how many images.
        folder: use these instead: class folders, or a folder of images.
        tick: progress callback.

    Raises:
        DatasetError: an image is gone, a class has none, or the images are unusable for calibration.
    """
    if folder is None:
        samples: Sequence[Sample] = run.split(TRAIN)
    else:
        dataset = _open_folder(folder, run.card.classes)
        samples = dataset.samples
    card = run.card
    chosen = choose_samples(samples, count, card.seed)
    images = read_fitted(card, dataset, chosen, tick)
    check_calibration(images)
    hashed = (replace(each, hash=pixel_hash(image)) for each, image in zip(chosen, images, strict=True))
    return CalibrationSet(tuple(hashed), images)


def read_fitted(
    card: ModelCard, dataset: Dataset, samples: Sequence[Sample], tick: Tick = no_tick
) -> tuple[Image, ...]:
    """Decode images of a run at the model's size, uint8 RGB, each of shape (*image_size, 3).

    Raises:
        DatasetError: an image is gone.
    """
    images: list[Image] = []
    for done, image in enumerate(FittedImages(card, dataset, samples), 1):
        images.append(image)
        tick(done, len(samples))
    return tuple(images)


def check_held_out(run: Run, dataset: Dataset, tick: Tick = no_tick) -> None:
    """Refuse held-out images whose pixels the run was trained on.

    Raises:
        DatasetError: an image is gone, or is now the same as one of the training split.
    """
    trained = {sample.hash: sample.file for sample in run.split(TRAIN) if sample.hash}
    held_out, threads = run.held_out, os.cpu_count() or 1
    hashes = map_in_order(
        lambda sample: pixel_hash(dataset.read(sample.file)),
        held_out,
        threads=threads,
        ahead=8 * threads,
    )
    for done, (sample, hashed) in enumerate(zip(held_out, hashes, strict=True), 1):
        try:
            found = hashed.result()
        except ImageError as error:
            raise DatasetError(f"an image of the run can no longer be read: {error}") from error
        if found in trained:
            raise DatasetError(
                f"{sample.file} was held out, and now has the same pixels as {trained[found]}, which the "
                "run was trained on: put the original back"
            )
        tick(done, len(held_out))


def check_calibration(images: Sequence[Image]) -> None:
    """Refuse images that give no useful ranges.

    Raises:
        DatasetError: no image, too many that are constant or noise, or pixel values that span too little.
    """
    if not images:
        raise DatasetError("there are no images to calibrate with")
    low, high = min(int(image.min()) for image in images), max(int(image.max()) for image in images)
    if high - low < MIN_SPAN:
        raise DatasetError(
            f"the calibration images span pixel values {low} to {high}, the model takes 0 to 255: "
            "were they scaled already?"
        )
    for kind, bad in (("constant", _is_constant), ("noise", _is_noise)):
        number = sum(bad(image) for image in images)
        if number > MAX_UNUSABLE * len(images):
            raise DatasetError(
                f"{number} of {len(images)} calibration images are {kind}, at most {MAX_UNUSABLE:.0%} may "
                "be: give images like those of the camera"
            )


def representative_dataset(
    images: Sequence[Image], input_range: InputRange, tick: Tick = no_tick
) -> Iterator[list[NDArray[np.float32]]]:
    """The images as the converter takes them, each [float32 of shape (1, height, width, 3)].

    Two pixels of the first image are set to black and white: then the input tensor's scale and zero point
    cover the whole range, and a raw uint8 pixel is the quantized value.
    """
    low, high = input_range
    for position, image in enumerate(images):
        pixels = image.astype(np.float32)
        if position == 0:
            pixels[0, 0], pixels[-1, -1] = 0.0, 255.0
        yield [(low + pixels / 255.0 * (high - low))[np.newaxis].astype(np.float32)]
        tick(position + 1, len(images))


def _open_folder(folder: Path, labels: tuple[str, ...]) -> Dataset:
    if folder.is_dir() and not any(child.is_dir() for child in folder.iterdir()):
        files = tuple(Sample(path.name, "") for path in list_images(folder))
        return Dataset(folder, (), files, image_loader(folder))
    dataset = open_dataset(str(folder))
    missing = [label for label in labels if label not in dataset.labels]
    if missing:
        raise DatasetError(
            f"{folder}: no calibration image of the class {missing[0]!r} ({len(missing)} missing)"
        )
    return dataset


def _is_constant(image: Image) -> bool:
    return bool(image.min() == image.max())


def _is_noise(image: Image) -> bool:
    grey = image.mean(axis=2)
    grey = grey - grey.mean()
    power = (grey**2).mean()
    if power < 1.0:
        return False
    across, down = (grey[:, 1:] * grey[:, :-1]).mean() / power, (grey[1:] * grey[:-1]).mean() / power
    return bool(max(across, down) < _MIN_CORRELATION)
