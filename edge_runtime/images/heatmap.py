"""Draw over an image where the evidence for a class is."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, Size
from edge_runtime.images.opencv import opencv

OPACITY = 0.55
"""Of the color where the evidence is largest."""


@dataclass(frozen=True)
class Grid:
    """Where in an image the positions of a feature map look: the centers of their receptive fields.

    Attributes:
        first: row and column of the first position, in pixels; 0 is the center of the first pixel.
        step: rows and columns from one position to the next, in pixels.
    """

    first: tuple[float, float]
    step: tuple[float, float]

    @classmethod
    def even(cls, positions: tuple[int, int], size: Size) -> Self:
        """Positions (rows, columns) that divide an image of this size evenly."""
        rows, columns = (side / count for side, count in zip(size, positions, strict=True))
        return cls(((rows - 1) / 2, (columns - 1) / 2), (rows, columns))


def spread(evidence: NDArray[np.float32], image: Image, grid: Grid | None = None) -> NDArray[np.float32]:
    """Evidence at every pixel of an image, float32 in [0, 1], shape (height, width).

    What a position sees has no sharp edge: its evidence is a cubic B-spline around the center of its
    receptive field, two steps wide to every side. An object that several positions see has its peak in the
    middle.

    Args:
        evidence: for a class at each place of a coarse grid, shape (rows, columns); what is below 0 speaks
            against the class, and counts as 0.
        image: uint8 RGB, shape (height, width, 3).
        grid: where the places are; None where they divide the image evenly.
    """
    grid = grid or Grid.even((evidence.shape[0], evidence.shape[1]), (image.shape[0], image.shape[1]))
    rows, columns = (
        _spline((np.arange(side)[:, np.newaxis] - first) / step - np.arange(count))
        for side, count, first, step in zip(image.shape, evidence.shape, grid.first, grid.step, strict=False)
    )
    amount = rows @ np.maximum(evidence, 0) @ columns.T
    peak = float(amount.max())
    return np.asarray(amount / peak if peak > 0 else amount, np.float32)


def _spline(distance: NDArray[np.floating]) -> NDArray[np.floating]:
    """The cubic B-spline, 0 from a distance of 2 on."""
    away = np.abs(distance)
    return np.asarray(np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0) ** 3 / 6))


def draw_heatmap(image: Image, evidence: NDArray[np.float32], grid: Grid | None = None) -> Image:
    """An image with colors where the evidence for a class is: dark red for little, yellow for most.

    Args:
        image: uint8 RGB, shape (height, width, 3).
        evidence: see `spread`.
        grid: see `spread`.

    Returns:
        uint8 RGB of the image's shape.
    """
    cv2: Any = opencv()
    amount = spread(evidence, image, grid)
    colors = cv2.applyColorMap(np.rint(255 * amount).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = OPACITY * np.sqrt(amount)[..., np.newaxis]
    # Grey beneath, so that every color is evidence.
    grey = image.mean(axis=2, keepdims=True)
    return np.asarray(np.rint(grey * (1 - weight) + colors * weight), np.uint8)
