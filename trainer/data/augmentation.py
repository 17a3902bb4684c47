"""Augmentation: random changes to training images that keep their label."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.choices import RandomFlip
from trainer.config import TrainConfig

Augment = Callable[[Any], Any]
"""Pixels in [0, 255], uint8 or float32, shape (batch, height, width, 3) → the same, changed."""

GREY = 127.5

FIELD_GEOMETRY = (0.1, 0.15, 0.2)
"""Rotation, zoom and shift of `--field`."""

FIELD_COPIES = 8
"""Augmented copies whose features the head trains on with `--field`."""


@dataclass(frozen=True)
class Augmentation:
    """Changes images at random: flip, rotation, zoom, shift, brightness, contrast, cutout, sharpness."""

    pipeline: Any

    def __call__(self, pixels: Any) -> Any:
        """Pixels in [0, 255], shape (batch, height, width, 3) → the same, changed, as float32."""
        import tensorflow as tf

        return self.pipeline(tf.cast(pixels, tf.float32), training=True)


def mirror(pixels: Any) -> Any:
    """Every image mirrored left to right."""
    import tensorflow as tf

    return tf.reverse(pixels, [2])


def flip_for(labels: Sequence[str]) -> RandomFlip:
    """Whether mirrored images keep their label: those of single letters and digits do not."""
    return RandomFlip.OFF if all(len(label) == 1 for label in labels) else RandomFlip.ON


def build_augmentation(config: TrainConfig) -> Augmentation | None:
    """The augmentation of the options; None for no augmentation."""
    from keras import Sequential, layers

    config, shades = with_field(config), (0.0, 255.0)
    wanted: list[tuple[Any, Callable[[int], Any]]] = [
        (config.flip is RandomFlip.ON, lambda seed: layers.RandomFlip("horizontal", seed=seed)),
        (config.rotation or config.zoom or config.shift, lambda seed: _affine(config, seed)),
        (config.brightness, lambda seed: layers.RandomBrightness(config.brightness, shades, seed=seed)),
        (config.contrast, lambda seed: layers.RandomContrast(config.contrast, shades, seed=seed)),
        (config.cutout, lambda seed: _cutout(config.cutout, seed)),
        (config.sharpness, lambda seed: _sharpness(config.sharpness, seed)),
        (config.field, lambda seed: _field_conditions(seed)),
    ]
    chosen = [build(config.seed + number) for number, (amount, build) in enumerate(wanted) if amount]
    return Augmentation(Sequential(chosen, name="augmentation")) if chosen else None


def build_mixing(config: TrainConfig) -> Any:
    """The Keras layer that blends images and labels; None for no blending.

    Zhang et al.: mixup: Beyond empirical risk minimization, 2017.
    """
    from keras import layers

    return layers.MixUp(config.mixup, seed=config.seed) if config.mixup else None


def with_field(config: TrainConfig) -> TrainConfig:
    """The options with the geometric part of `--field`: at least so much of it."""
    if not config.field:
        return config
    rotation, zoom, shift = (
        max(given, least)
        for given, least in zip((config.rotation, config.zoom, config.shift), FIELD_GEOMETRY, strict=True)
    )
    return dataclasses.replace(
        config,
        rotation=rotation,
        zoom=zoom,
        shift=shift,
        augment_copies=max(config.augment_copies, FIELD_COPIES),
    )


def _field_conditions(seed: int) -> Any:
    from trainer.data.field_conditions import FieldConditions

    return FieldConditions(seed=seed)


def _affine(config: TrainConfig, seed: int) -> Any:
    from trainer.data.random_affine import RandomAffine

    return RandomAffine(rotation=config.rotation, zoom=config.zoom, shift=config.shift, seed=seed)


def _sharpness(amount: float, seed: int) -> Any:
    """Blurred or sharpened by a blend with the 3×3 mean, like images resized by other programs."""
    from keras import layers

    # Keras does not change an image at 0.5.
    return layers.RandomSharpness((0.5 - amount / 2, 0.5 + amount / 2), (0.0, 255.0), seed=seed)


def _cutout(side: float, seed: int) -> Any:
    """A grey rectangle at a random place, each side half to all of `side` (DeVries, Taylor: Cutout, 2017)."""
    from keras import layers

    return layers.RandomErasing((1.0, 1.0), (side**2 / 4, side**2), fill_value=GREY, seed=seed)
