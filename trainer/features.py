"""Cached features: the frozen base sees each picture once, not once an epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.augmentation import Augment, build_augmentation, mirror
from trainer.batches import Batches, Targets
from trainer.config import Flip, TrainConfig
from trainer.distribution import Share


@dataclass(frozen=True)
class CachedFeatures:
    """What the base made of pictures.

    Attributes:
        features: float32, shape (pictures, channels); rows of other workers' pictures are 0.
        targets: shape (pictures,).
        batch_size: the last batch may be smaller.
        share: of each batch only these rows are given.
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
        """The batches of one epoch in an order that the seed decides."""
        return self._in_order(np.random.default_rng(seed).permutation(len(self.targets)))

    def _in_order(self, order: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.float32], Targets]]:
        for start in range(0, len(order), self.batch_size):
            part = self.share.of(order[start : start + self.batch_size])
            yield self.features[part], self.targets[part]


def cache_training_features(
    config: TrainConfig, model: Any, train: Batches, done: Callable[[float], None]
) -> CachedFeatures:
    """Features of the training pictures: as they are, mirrored, and so many augmented copies.

    Args:
        config: the augmentation.
        model: pixels → features.
        train: the pictures.
        done: is told each share of the work that is done.
    """
    copies: list[Augment | None] = [None]
    augment = build_augmentation(config)
    if config.flip is Flip.ON:
        copies.append(mirror)
    if augment is not None:
        copies += [augment] * config.augment_copies
    features = extract_features(model, train, copies, done)
    return CachedFeatures(features, np.tile(train.targets, len(copies)), train.batch_size, train.share)


def cache_features(model: Any, batches: Batches, done: Callable[[float], None]) -> CachedFeatures:
    """Features of held-out pictures."""
    features = extract_features(model, batches, [None], done)
    return CachedFeatures(features, batches.targets, batches.batch_size, batches.share)


def extract_features(
    model: Any, batches: Batches, copies: list[Augment | None], done: Callable[[float], None]
) -> NDArray[np.float32]:
    """What the base makes of every picture, in inference mode and in order, one copy after the other.

    Returns:
        float32, shape (copies · pictures, channels).
    """
    count = len(batches.targets)
    features = np.zeros((len(copies) * count, model.output_shape[-1]), np.float32)
    for number, augment in enumerate(copies):
        # A row's number decides whose it is, in every copy.
        share = Share((batches.share.index - number * count) % batches.share.count, batches.share.count)
        own = share.of(np.arange(count))
        start = 0
        for each in _forward(model, replace(batches, share=share), augment):
            features[number * count + own[start : start + len(each)]] = each
            start += len(each)
            done(1 / len(copies) / len(batches))
    return features


def _forward(model: Any, batches: Batches, augment: Augment | None) -> Iterator[NDArray[np.float32]]:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def forward(pixels: Any) -> Any:
        pixels = tf.cast(pixels, tf.float32)
        return tf.cast(model(pixels if augment is None else augment(pixels), training=False), tf.float32)

    for pixels, _targets in batches:
        yield forward(pixels).numpy()
