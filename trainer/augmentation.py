"""Random changes to training pictures that leave their meaning as it is."""

from collections.abc import Callable
from typing import Any

from trainer.config import TrainConfig

Augment = Callable[[Any], Any]
"""float32 pixels in [0, 255], shape (batch, height, width, 3) → the same, changed."""


def mirror(pixels: Any) -> Any:
    """Every picture mirrored left to right."""
    import tensorflow as tf

    return tf.reverse(pixels, [2])


def build_augmentation(config: TrainConfig) -> Augment | None:
    """The augmentation that the options ask for; None where they ask for none."""
    import keras

    layers: list[Any] = []
    if config.flip:
        layers.append(keras.layers.RandomFlip("horizontal", seed=config.seed))
    if config.rotation:
        layers.append(keras.layers.RandomRotation(config.rotation, seed=config.seed + 1))
    if config.zoom:
        layers.append(keras.layers.RandomZoom(config.zoom, seed=config.seed + 2))
    if config.shift:
        layers.append(keras.layers.RandomTranslation(config.shift, config.shift, seed=config.seed + 3))
    if not layers:
        return None
    pipeline = keras.Sequential(layers, name="augmentation")
    return lambda pixels: pipeline(pixels, training=True)
