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


def spread(evidence: NDArray[np.float32], image: Image, grid: "Grid | None" = None) -> NDArray[np.float32]:
    """Evidence at every pixel of an image, float32 in [0, 1], shape (height, width).

    Args:
        evidence: for a class at each place of a coarse grid, shape (rows, columns); what is below 0 speaks
            against the class, and counts as 0.
        image: uint8 RGB, shape (height, width, 3).
        grid: where the places are; None where they divide the image evenly.
    """
    cv2: Any = opencv()
    height, width = image.shape[:2]
    grid = grid or Grid.even((evidence.shape[0], evidence.shape[1]), (height, width))
    positive = np.maximum(evidence, 0).astype(np.float32)
    peak = float(positive.max())
    to_place = [
        [1 / grid.step[1], 0, -grid.first[1] / grid.step[1]],
        [0, 1 / grid.step[0], -grid.first[0] / grid.step[0]],
    ]
    smooth = cv2.warpAffine(
        positive / peak if peak > 0 else positive,
        np.array(to_place, np.float32),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(smooth, np.float32)


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
