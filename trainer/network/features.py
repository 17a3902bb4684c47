"""Features of images: the frozen base runs once for each image, not once an epoch."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.images import ImageStatistics, measure_image
from trainer.choices import RandomFlip
from trainer.config import TrainConfig
from trainer.data import (
    FIELD_HEAD_FRACTION,
    Augment,
    Batches,
    Share,
    Targets,
    augmented_copies,
    build_augmentation,
    mirror,
)
from trainer.network.feature_file import FeatureFile
from trainer.network.forward import Forward

Statistics = Mapping[str, NDArray[np.float32]]
"""`brightness`, `contrast` and `sharpness` of each image, each of shape (images,)."""

_READ_ROWS = 4096


@dataclass(frozen=True)
class Draw:
    """Which copies the rows of an epoch are of.

    Attributes:
        plain: the number of the first copies, which are not augmented.
        augmented: the fraction of the rows that are of other copies.
    """

    plain: int
    augmented: float

    def copies(self, random: np.random.Generator, count: int, rows: int) -> NDArray[np.int64]:
        """The copy of each row, one of so many, drawn at random."""
        drawn = random.integers(self.plain, count, rows)
        return np.where(random.random(rows) < self.augmented, drawn, random.integers(0, self.plain, rows))

    def weights(self, count: int) -> NDArray[np.float32]:
        """The weights of so many copies where each is used once and none is drawn; they add up to `count`."""
        plain = np.arange(count) < self.plain
        chance = np.where(
            plain, (1 - self.augmented) / self.plain, self.augmented / max(count - self.plain, 1)
        )
        return np.asarray(count * chance, np.float32)


@dataclass(frozen=True, eq=False)
class CachedFeatures:
    """The features of the images of a split, and of copies of them.

    Attributes:
        rows: one for each own image, copy after copy; the first copy is of the unchanged images.
        targets: the class index of each image, shape (images,).
        copies: of each image.
        batch_size: the last batch may be smaller.
        share: of the images only these are own; of each batch only these are returned.
        statistics: of the own images; None where they were not measured.
        columns: of each row only the first so many are returned; None for all.
        draw: of the copies of an epoch; None for every copy of each image once.
    """

    rows: FeatureFile
    targets: Targets
    copies: int
    batch_size: int
    share: Share
    statistics: Statistics | None = None
    columns: int | None = None
    draw: Draw | None = None

    def __len__(self) -> int:
        return -(-self.copies * len(self.targets) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        return self._in_order(np.arange(self.copies * len(self.targets)))

    def shuffled(self, seed: int) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        """The batches of one epoch in an order determined by the seed."""
        random, images = np.random.default_rng(seed), len(self.targets)
        order = random.permutation(self.copies * images)
        if self.draw is not None:
            order = self.draw.copies(random, self.copies, len(order)) * images + order % images
        return self._in_order(order)

    def unchanged(self) -> "CachedFeatures":
        """Those of the unchanged images alone."""
        return dataclasses.replace(self, copies=1, draw=None)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All own rows in their order, a few thousand at a time."""
        count = self.copies * self.share.count_of(len(self.targets))
        for first in range(0, count, _READ_ROWS):
            yield self.read(np.arange(first, min(first + _READ_ROWS, count)))

    def _in_order(self, order: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        images, share = len(self.targets), self.share
        for start in range(0, len(order), self.batch_size):
            copy, image = np.divmod(order[start : start + self.batch_size], images)
            own = image % share.count == share.index
            copy, image = copy[own], image[own]
            yield self.read(copy * share.count_of(images) + image // share.count), self.targets[image]

    def read(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Own rows by their numbers, shape (numbers, channels)."""
        return self.rows.read(numbers)[:, : self.columns]


def feature_copies(config: TrainConfig) -> list[Augment | None]:
    """The copies of an image whose features the head trains on: unchanged, mirrored, augmented."""
    copies = _plain_copies(config)
    # Computed once and drawn in each epoch: `--field` changes all of them.
    augment = build_augmentation(config, field_fraction=1.0)
    if augment is not None:
        copies += [augment] * augmented_copies(config)
    return copies


def feature_draw(config: TrainConfig) -> Draw | None:
    """How often the head trains on which copies: with `--field` a fraction of them is changed."""
    return Draw(len(_plain_copies(config)), FIELD_HEAD_FRACTION) if config.field else None


def _plain_copies(config: TrainConfig) -> list[Augment | None]:
    return [None, mirror] if config.flip is RandomFlip.ON else [None]


def write_features(
    file: FeatureFile,
    forward: Forward,
    batches: Batches,
    copies: list[Augment | None],
    done: Callable[[float], None],
    *,
    unchanged: CachedFeatures | None = None,
    with_statistics: bool = False,
) -> CachedFeatures:
    """Write the features of every own image to a file.

    Args:
        file: that is empty.
        forward: pixels → features.
        batches: the images.
        copies: changes of an image; None for none, which is the first.
        done: called with each fraction of the work that is done.
        unchanged: the features of the unchanged images, where they are known already.
        with_statistics: also measure the unchanged images.
    """
    own, first = batches.share.count_of(len(batches.targets)), 0
    measured: list[ImageStatistics] = []
    to_compute = copies if unchanged is None else copies[1:]
    for pixels, computed in _compute(forward, batches, to_compute, done):
        known = [] if unchanged is None else [unchanged.read(np.arange(first, first + len(pixels)))]
        for number, copy in enumerate([*known, *computed]):
            file.write(number * own + first, copy)
        if with_statistics:
            measured += [measure_image(image) for image in pixels]
        first += len(pixels)
    statistics = _columns(measured) if with_statistics else None
    return CachedFeatures(file, batches.targets, len(copies), batches.batch_size, batches.share, statistics)


def extract_features(
    forward: Forward, batches: Batches, copies: list[Augment | None], done: Callable[[float], None]
) -> NDArray[np.float32]:
    """The features of every image, in memory: for few images.

    Returns:
        float32, shape (copies, images, channels).
    """
    parts = [np.stack(rows) for _pixels, rows in _compute(forward, batches, copies, done)]
    return np.concatenate(parts, axis=1)


def measure_pixels(batches: Batches) -> Statistics:
    """Statistics of the own images."""
    return _columns([measure_image(image) for pixels, _targets in batches for image in pixels])


def _compute(
    forward: Forward, batches: Batches, copies: list[Augment | None], done: Callable[[float], None]
) -> Iterator[tuple[NDArray[np.uint8], list[NDArray[np.float32]]]]:
    """Each batch of pixels with the features of each copy of it: an image is decoded once."""
    for pixels, _targets in batches:
        if len(pixels):
            yield pixels, [forward(pixels if augment is None else augment(pixels)) for augment in copies]
        done(1 / len(batches))


def _columns(measured: list[ImageStatistics]) -> Statistics:
    return {
        field.name: np.array([getattr(each, field.name) for each in measured], np.float32)
        for field in dataclasses.fields(ImageStatistics)
    }
