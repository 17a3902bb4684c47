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

    Args:
        evidence: for a class at each place of a coarse grid, shape (rows, columns); what is below 0 speaks
            against the class, and counts as 0.
        image: uint8 RGB, shape (height, width, 3).
    """
    cv2: Any = opencv()
    height, width = image.shape[:2]
    positive = np.maximum(evidence, 0).astype(np.float32)
    peak = float(positive.max())
    smooth = cv2.resize(positive / peak if peak > 0 else positive, (width, height))
    return np.asarray(smooth, np.float32)


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
