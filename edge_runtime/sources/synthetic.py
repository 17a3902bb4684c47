"""A moving pattern, for trying out where there is no camera."""

from collections.abc import Iterator

import numpy as np

from edge_runtime.core.types import Frame, Image, Size
from edge_runtime.sources.base import SourceBase, new_frame


def moving_pattern(size: Size) -> Iterator[Image]:
    """Pictures (uint8 RGB, shape (*size, 3)), each unlike the one before, without end."""
    rows, columns = (np.arange(side).astype(np.uint8) for side in size)
    first = np.stack(
        np.broadcast_arrays(rows[:, np.newaxis], columns, rows[:, np.newaxis] + columns), axis=-1
    )
    step = np.array([4, 252, 8], np.uint8)
    while True:
        yield first
        # Not in place: the picture that was given stays as it is.
        first = first + step


class SyntheticSource(SourceBase):
    """A moving pattern, without end.

    Args:
        size: (height, width) in pixels.
    """

    def __init__(self, size: Size = (480, 640)) -> None:
        self._size = size

    def __iter__(self) -> Iterator[Frame]:
        for index, image in enumerate(moving_pattern(self._size)):
            yield new_frame(image, index, "synthetic")
