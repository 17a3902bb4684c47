"""Cached features: the frozen base runs once for each image, not once an epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainer.config import RandomFlip, TrainConfig
from trainer.data import Augment, Batches, Share, Targets, build_augmentation, mirror, with_field
from trainer.network.forward import Forward


@dataclass(frozen=True)
class CachedFeatures:
    """The features of images.

    Attributes:
        features: float32, shape (images, channels); rows of other workers' images are 0.
        targets: shape (images,).
        batch_size: the last batch may be smaller.
        share: of each batch only these rows are returned.
    """

    features: NDArray[np.float32]
    targets: Targets
    batch_size: int
    share: Share

    def __len__(self) -> int:
        return -(-len(self.targets) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        return self._in_order(np.arange(len(self.targets)))

    def shuffled(self, seed: int) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        """The batches of one epoch in an order determined by the seed."""
        return self._in_order(np.random.default_rng(seed).permutation(len(self.targets)))

    def _in_order(self, order: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        for start in range(0, len(order), self.batch_size):
            part = self.share.of(order[start : start + self.batch_size])
            yield self.features[part], self.targets[part]


def cache_training_features(
    config: TrainConfig, forward: Forward, train: Batches, done: Callable[[float], None]
) -> CachedFeatures:
    """The features of the training images: unchanged, mirrored, and augmented copies.

    Args:
        config: the augmentation.
        forward: pixels → features.
        train: the images.
        done: called with each fraction of the work that is done.
    """
    copies = feature_copies(config)
    features = extract_features(forward, train, copies, done)
    return CachedFeatures(features, np.tile(train.targets, len(copies)), train.batch_size, train.share)


def feature_copies(config: TrainConfig) -> list[Augment | None]:
    """The copies of an image whose features the head trains on: unchanged, mirrored, augmented."""
    copies: list[Augment | None] = [None]
    augment = build_augmentation(config)
    if config.flip is RandomFlip.ON:
        copies.append(mirror)
    if augment is not None:
        copies += [augment] * with_field(config).augment_copies
    return copies


def cache_features(forward: Forward, batches: Batches, done: Callable[[float], None]) -> CachedFeatures:
    """The features of held-out images."""
    features = extract_features(forward, batches, [None], done)
    return CachedFeatures(features, batches.targets, batches.batch_size, batches.share)


def extract_features(
    forward: Forward, batches: Batches, copies: list[Augment | None], done: Callable[[float], None]
) -> NDArray[np.float32]:
    """The features of every image, in inference mode and in order, one copy after the other.

    Returns:
        float32, shape (copies · images, channels).
    """
    count = len(batches.targets)
    features = np.zeros((0, 0), np.float32)
    for number, augment in enumerate(copies):
        # A row's number determines its worker, in every copy.
        share = Share((batches.share.index - number * count) % batches.share.count, batches.share.count)
        places = number * count + share.of(np.arange(count))
        for pixels, _targets in replace(batches, share=share):
            if len(pixels):
                rows = forward(pixels if augment is None else augment(pixels))
                if not features.size:
                    # Filled in place: a list of rows beside it would take as much memory again.
                    features = np.zeros((len(copies) * count, rows.shape[1]), np.float32)
                features[places[: len(rows)]] = rows
                places = places[len(rows) :]
            done(1 / len(copies) / len(batches))
    return features
