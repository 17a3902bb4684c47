"""Draw over an image where the evidence for a class is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from edge_runtime.images.opencv import opencv

OPACITY = 0.55
"""Of the color where the evidence is largest."""


def spread(evidence: NDArray[np.float32], image: Image) -> NDArray[np.float32]:
    """Evidence at every pixel of an image, float32 in [0, 1], shape (height, width).

    What a position sees has no sharp edge: its evidence is a cubic B-spline around its center, two steps wide
    to every side. An object that several positions see has its peak in the middle.

    Args:
        evidence: for a class at each place of a coarse grid, shape (rows, columns); what is below 0 speaks
            against the class, and counts as 0.
        image: uint8 RGB, shape (height, width, 3).
    """
    rows, columns = (
        _spline((np.arange(side)[:, np.newaxis] + 0.5) * count / side - 0.5 - np.arange(count))
        for side, count in zip(image.shape, evidence.shape, strict=False)
    )
    amount = rows @ np.maximum(evidence, 0) @ columns.T
    peak = float(amount.max())
    return np.asarray(amount / peak if peak > 0 else amount, np.float32)


def _spline(distance: NDArray[np.floating]) -> NDArray[np.floating]:
    """The cubic B-spline, 0 from a distance of 2 on."""
    away = np.abs(distance)
    return np.asarray(np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0) ** 3 / 6))


def draw_heatmap(image: Image, evidence: NDArray[np.float32]) -> Image:
    """An image with colors where the evidence for a class is: dark red for little, yellow for most.

    Args:
        image: uint8 RGB, shape (height, width, 3).
        evidence: see `spread`.

    Returns:
        uint8 RGB of the image's shape.
    """
    cv2: Any = opencv()
    amount = spread(evidence, image)
    colors = cv2.applyColorMap(np.rint(255 * amount).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = OPACITY * np.sqrt(amount)[..., np.newaxis]
    # Grey beneath, so that every color is evidence.
    grey = image.mean(axis=2, keepdims=True)
    return np.asarray(np.rint(grey * (1 - weight) + colors * weight), np.uint8)
