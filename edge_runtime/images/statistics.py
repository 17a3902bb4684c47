"""Brightness, contrast and sharpness of an image, in a few microseconds."""

from dataclasses import dataclass
from typing import Any

from edge_runtime.core import Image
from edge_runtime.images.opencv import opencv

ROWS = 12
"""About so many rows are looked at."""

GREEN = 1


@dataclass(frozen=True)
class ImageStatistics:
    """Statistics of the green channel, which has most of what people see as brightness.

    Attributes:
        brightness: mean, in [0, 255].
        contrast: standard deviation, in [0, 127.5].
        sharpness: root mean square of the differences of neighbouring pixels, as a fraction of the contrast;
            0 without any. (The mean of the differences is the same for a sharp and for a blurred edge.)
    """

    brightness: float
    contrast: float
    sharpness: float


def measure_image(image: Image) -> ImageStatistics:
    """Measure an image at a model's size, so that images of cameras of all sizes can be compared.

    Args:
        image: uint8 RGB, shape (height, width, 3).
    """
    cv2: Any = opencv()
    rows = image[:: max(1, image.shape[0] // ROWS), :, GREEN].copy()
    mean, deviation = cv2.meanStdDev(rows)
    contrast = float(deviation[0, 0])
    differences = cv2.norm(rows[:, 1:], rows[:, :-1], cv2.NORM_L2) / max(rows.size - len(rows), 1) ** 0.5
    return ImageStatistics(
        brightness=float(mean[0, 0]),
        contrast=contrast,
        # One grey level less in every pixel is no contrast.
        sharpness=differences / max(contrast, 1.0),
    )
