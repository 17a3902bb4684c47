"""What happens to a camera's images in the field, as augmentation: dark, bright, noisy or blurred ones."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

DARKEST = 0.1
"""Factor of the darkest image."""

BRIGHTEST = 0.5
"""What is added to the brightest image, as a fraction of the range."""

NOISIEST = 0.25
"""Standard deviation of the strongest noise, as a fraction of the range."""

BLURRIEST = 0.018
"""Standard deviation of the strongest blur, as a fraction of the side."""

_CHANGES = 5
"""Dark, bright, noise, blur, none."""


class FieldConditions(keras.Layer):  # type: ignore[misc]
    """Makes each image of a batch darker, brighter, noisy or blurred, or leaves it: one of five, at random.

    Args:
        seed: of the random numbers.
    """

    def __init__(self, *, seed: int) -> None:
        super().__init__(dtype="float32", trainable=False)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, pixels: Any, *, training: bool = False) -> Any:
        """Pixels in [0, 255], float32, shape (batch, height, width, 3) → the same."""
        if not training:
            return pixels
        change, strength = self._uniform(pixels) * _CHANGES, self._uniform(pixels)
        noise = keras.random.normal(ops.shape(pixels), seed=self.seed_generator)
        changed = [
            pixels * (DARKEST**strength),
            pixels + 255 * BRIGHTEST * strength,
            pixels + 255 * NOISIEST * strength * noise,
            pixels + strength * (_blurred(pixels) - pixels),
        ]
        for number, each in enumerate(changed):
            pixels = ops.where((change >= number) & (change < number + 1), each, pixels)
        return ops.clip(pixels, 0.0, 255.0)

    def _uniform(self, pixels: Any) -> Any:
        """A number in [0, 1) for each image."""
        return keras.random.uniform((ops.shape(pixels)[0], 1, 1, 1), seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


def _blurred(pixels: Any) -> Any:
    """The strongest blur: a Gaussian, row by row and column by column."""
    sigma = max(BLURRIEST * pixels.shape[1], 0.5)
    reach = math.ceil(2.5 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    padded = ops.pad(pixels, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        kernel = np.tile(weights.reshape(shape), (1, 1, 3, 1))
        padded = ops.depthwise_conv(padded, kernel, strides=1, padding="valid")
    return padded
