"""A perceptual hash: similar images have hashes that differ in few bits.

Source: C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010 (the DCT hash).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from edge_runtime.images.opencv import opencv
from edge_runtime.images.statistics import measure_image

HASH_BITS = 64

MIN_HASHED_SIDE = 64
"""Smaller images of one class look alike to the hash."""

MIN_HASHED_CONTRAST = 4.0
"""Grey levels; below that the hash is one of the noise."""

_SIDE = 32
_LOWEST = 8


def perceptual_hash(image: Image) -> int:
    """The signs of the 64 lowest frequencies of the image's brightness, relative to their median.

    It hardly changes when an image is encoded again, made brighter, resized, or cropped by a few percent.

    Args:
        image: uint8 RGB, shape (height, width, 3), any size.

    Returns:
        64 bits.
    """
    cv2: Any = opencv()
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    lowest: NDArray[np.float32] = cv2.dct(grey)[:_LOWEST, :_LOWEST].copy()
    # The first coefficient is the mean brightness, which shall not matter.
    lowest[0, 0] = np.median(lowest)
    bits = lowest > np.median(lowest)
    return int.from_bytes(np.packbits(bits).tobytes())


def has_telling_hash(image: Image) -> bool:
    """Whether the hash of an image tells it from others: it is large enough, and has contrast."""
    return min(image.shape[:2]) >= MIN_HASHED_SIDE and measure_image(image).contrast >= MIN_HASHED_CONTRAST


def hash_distance(one: int, other: int) -> int:
    """In how many of the 64 bits two hashes differ; about 32 for unrelated images."""
    return (one ^ other).bit_count()
