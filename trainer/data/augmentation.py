"""Augmentation: random changes to training images that keep their label."""

import math
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

FIELD_FRACTION = 0.5
"""Fraction of the images that `--field` changes: with more of them accuracy on clean images falls."""

FIELD_HEAD_FRACTION = 0.25
"""The same of the features that a head trains on: it needs fewer changed ones."""

FIELD_IMAGES, FIELD_PASSES = 800, 4
"""At least so many images in an epoch of fine-tuning with `--field`, in so many passes over them at most.

Changed images are learnt more slowly: in a few dozen steps less than without `--field`.
"""


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


def build_augmentation(config: TrainConfig, *, field_fraction: float = FIELD_FRACTION) -> Augmentation | None:
    """The augmentation of the options; None for no augmentation.

    Args:
        config: the options.
        field_fraction: of the images that `--field` changes.
    """
    from keras import Sequential, layers

    shades = (0.0, 255.0)
    wanted: list[tuple[Any, Callable[[int], Any]]] = [
        (config.flip is RandomFlip.ON, lambda seed: layers.RandomFlip("horizontal", seed=seed)),
        (config.rotation or config.zoom or config.shift, lambda seed: _affine(config, seed)),
        (config.brightness, lambda seed: layers.RandomBrightness(config.brightness, shades, seed=seed)),
        (config.contrast, lambda seed: layers.RandomContrast(config.contrast, shades, seed=seed)),
        (config.cutout, lambda seed: _cutout(config.cutout, seed)),
        (config.sharpness, lambda seed: _sharpness(config.sharpness, seed)),
        (config.field, lambda seed: _field(field_fraction, seed)),
    ]
    chosen = [build(config.seed + number) for number, (amount, build) in enumerate(wanted) if amount]
    return Augmentation(Sequential(chosen, name="augmentation")) if chosen else None


def build_mixing(config: TrainConfig) -> Any:
    """The Keras layer that blends images and labels; None for no blending.

    Zhang et al.: mixup: Beyond empirical risk minimization, 2017.
    """
    from keras import layers

    return layers.MixUp(config.mixup, seed=config.seed) if config.mixup else None


def augmented_copies(config: TrainConfig) -> int:
    """How many augmented copies of each image have cached features."""
    return max(config.augment_copies, FIELD_COPIES) if config.field else config.augment_copies


def fine_tuning_passes(config: TrainConfig, images: int) -> int:
    """How often each of so many images is in an epoch of fine-tuning."""
    return min(FIELD_PASSES, math.ceil(FIELD_IMAGES / images)) if config.field else 1


def _field(fraction: float, seed: int) -> Any:
    from keras import Sequential

    from trainer.data.field_conditions import FieldConditions
    from trainer.data.random_affine import RandomAffine
    from trainer.data.random_apply import RandomApply

    rotation, zoom, shift = FIELD_GEOMETRY
    moved = RandomAffine(rotation=rotation, zoom=zoom, shift=shift, seed=seed + 1)
    changes = Sequential([moved, FieldConditions(seed=seed + 2)], name="field")
    return RandomApply(changes, fraction=fraction, seed=seed)


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
