"""Changes for some of the images of a batch only."""

from typing import Any

import keras
from keras import ops


class RandomApply(keras.Layer):  # type: ignore[misc]
    """Applies layers to some images of a batch, drawn at random, and leaves the others as they are.

    Args:
        changes: the layers, which change pixels and keep their shape.
        fraction: of the images that are changed, in [0, 1].
        seed: of the random numbers.
    """

    def __init__(self, changes: keras.Sequential, *, fraction: float, seed: int) -> None:
        super().__init__(dtype="float32", trainable=False)
        self.changes = changes
        self._fraction = fraction
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def layers(self) -> list[Any]:
        """The layers inside."""
        return [self.changes]

    def build(self, input_shape: Any) -> None:
        """Build the layers inside."""
        self.changes.build(input_shape)
        super().build(input_shape)

    def call(self, pixels: Any, *, training: bool = False) -> Any:
        """float32, shape (batch, height, width, 3) → the same shape."""
        if not training:
            return pixels
        drawn = keras.random.uniform((ops.shape(pixels)[0], 1, 1, 1), seed=self.seed_generator)
        return ops.where(drawn < self._fraction, self.changes(pixels, training=True), pixels)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape
