"""From uint8 pixels to a model's input tensor, by one table of 256 entries.

A model made by this toolkit has its rescaling absorbed in the input's scale and zero point: the table is the
identity and no arithmetic is done at all. Foreign models get what their own input tensor asks for.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core.errors import ModelError
from edge_runtime.core.types import Image
from edge_runtime.inference.engines import TensorSpec

InputRange = tuple[float, float]
"""The real numbers that a model expects for pixel values 0 and 255."""

RAW: InputRange = (0.0, 255.0)
# Widths of the ranges that models are trained on: [0, 1], [-1, 1] (or 0 to 2), [0, 255].
_USUAL_WIDTHS = (1.0, 2.0, 255.0)


def input_range(spec: TensorSpec, *, name: str) -> InputRange:
    """What a quantized input tensor's own range says that pixels 0 and 255 stand for.

    Raises:
        ModelError: the tensor is float32, or its range is none that pixels are usually scaled to,
            so that nothing in the file tells how pixels must be normalized.
    """
    advice = f"{name}: say what pixels 0 and 255 become with --input-range LOW,HIGH (MobileNet: -1,1)"
    if not spec.quantized:
        raise ModelError(f"{advice}: the input is float32 and no card tells how it was trained")
    limits = np.iinfo(spec.dtype)
    low, high = (float(spec.real(np.array(limit))) for limit in (limits.min, limits.max))
    if not any(math.isclose(high - low, width, rel_tol=0.03) for width in _USUAL_WIDTHS):
        raise ModelError(
            f"{advice}: the input tensor spans {low:.3f} to {high:.3f}, no usual range for pixels"
        )
    return low, high


def pixel_table(spec: TensorSpec, expected: InputRange) -> NDArray[Any] | None:
    """The tensor value for each pixel value, dtype of the tensor, shape (256,); None where they are equal."""
    low, high = expected
    real = low + np.arange(256) / 255.0 * (high - low)
    if not spec.quantized:
        return real.astype(np.float32)
    limits = np.iinfo(spec.dtype)
    table = np.clip(np.rint(real / spec.scale) + spec.zero_point, limits.min, limits.max).astype(spec.dtype)
    return None if np.array_equal(table, np.arange(256)) else table


def to_tensor(image: Image, table: NDArray[Any] | None) -> NDArray[Any]:
    """A picture (uint8 RGB, shape (height, width, 3)) as input tensor, shape (1, height, width, 3)."""
    pixels = image if table is None else table[image]
    return pixels[np.newaxis]
