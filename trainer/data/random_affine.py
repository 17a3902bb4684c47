"""Rotation, zoom and shift as one affine transform, so that an image is interpolated once."""

import math
from typing import Any

import keras
from keras import ops

UNCHANGED = 0.5
"""Fraction of the images that are not transformed.

Interpolation smooths an image. A model that is trained on smoothed images alone is worse on sharp ones.
"""


class RandomAffine(keras.Layer):  # type: ignore[misc]
    """Rotates, zooms and shifts about half of the images of a batch, each at random; edges are reflected.

    Args:
        rotation: the largest, as a fraction of a full turn.
        zoom: the largest, as a fraction of the scale.
        shift: the largest, as a fraction of the side.
        seed: of the random numbers.
    """

    def __init__(self, *, rotation: float, zoom: float, shift: float, seed: int) -> None:
        super().__init__(dtype="float32", trainable=False)
        self._rotation = rotation
        self._zoom = zoom
        self._shift = shift
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, pixels: Any, *, training: bool = False) -> Any:
        """float32, shape (batch, height, width, 3) → the same shape."""
        if not training:
            return pixels
        count, height, width = ops.shape(pixels)[0], pixels.shape[1], pixels.shape[2]
        warped = ops.image.affine_transform(
            pixels, self._transforms(count, height, width), interpolation="bilinear", fill_mode="reflect"
        )
        unchanged = keras.random.uniform((count, 1, 1, 1), seed=self.seed_generator) < UNCHANGED
        return ops.where(unchanged, pixels, warped)

    def _transforms(self, count: Any, height: int, width: int) -> Any:
        """Output point → input point about the middle of the image, shape (count, 8)."""
        turn, scale, down, right = (
            keras.random.uniform((count,), -largest, largest, seed=self.seed_generator)
            for largest in (2 * math.pi * self._rotation, self._zoom, self._shift, self._shift)
        )
        cosine, sine = (1 + scale) * ops.cos(turn), (1 + scale) * ops.sin(turn)
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        start_x = middle_x - cosine * middle_x + sine * middle_y + right * width
        start_y = middle_y - sine * middle_x - cosine * middle_y + down * height
        zero = ops.zeros_like(turn)
        return ops.stack([cosine, -sine, start_x, sine, cosine, start_y, zero, zero], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape
