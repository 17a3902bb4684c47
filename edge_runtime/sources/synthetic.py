"""A moving pattern, for trials without a camera."""

from collections.abc import Iterator

import numpy as np

from edge_runtime.core import Image, Size
from edge_runtime.sources.base import Events, SourceBase, new_frame


def moving_pattern(size: Size) -> Iterator[Image]:
    """Images (uint8 RGB, shape (*size, 3)), each different from the previous one, without end."""
    rows, columns = (np.arange(side).astype(np.uint8) for side in size)
    image = np.stack(
        np.broadcast_arrays(rows[:, np.newaxis], columns, rows[:, np.newaxis] + columns), axis=-1
    )
    step = np.array([4, 252, 8], np.uint8)
    while True:
        yield image
        # Not in place: the image that was handed over stays as it is.
        image = image + step


class SyntheticSource(SourceBase):
    """A moving pattern, without end.

    Args:
        size: (height, width) in pixels.
    """

    def __init__(self, size: Size = (480, 640)) -> None:
        super().__init__("synthetic")
        self._size = size

    def events(self) -> Events:
        """See `Source.events`."""
        for index, image in enumerate(moving_pattern(self._size)):
            yield new_frame(image, index, self.name)
