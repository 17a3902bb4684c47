"""From an image to a model's input tensor: resize, then one table of 256 values.

A model made by this toolkit has its rescaling absorbed in the input's scale and zero point: the table is the
identity and no arithmetic is done at all. Models of others get what their own input tensor asks for.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ModelError, Resize, Size, UsageError
from edge_runtime.images import fit, pixels_needed, to_grey
from edge_runtime.inference.tensors import TensorSpec

InputRange = tuple[float, float]
"""The real numbers that a model expects for pixel values 0 and 255."""

RAW: InputRange = (0.0, 255.0)
# Widths of the ranges that models are trained on: [0, 1], [-1, 1] (or 0 to 2), [0, 255].
_USUAL_WIDTHS = (1.0, 2.0, 255.0)


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How an image becomes the input tensor.

    Attributes:
        size: (height, width) of the model's input, in pixels.
        resize: how images are resized to that size.
        table: the tensor value for each pixel value, dtype of the tensor, shape (256,); None where they are
            equal.
        channels: of the model's input: 3, or 1 for a model of grey images.
    """

    size: Size
    resize: Resize
    table: NDArray[Any] | None
    channels: int = 3

    @property
    def at_least(self) -> int:
        """Pixels that each side of an image must keep, for `read_image` and `decode_image`."""
        return pixels_needed(self.size, self.resize)

    def to_tensor(self, image: Image) -> NDArray[Any]:
        """The input tensor of an image, shape (1, height, width, channels).

        Raises:
            ImageError: the image has no pixels or is not uint8 RGB.
        """
        return self.encode(self.fit(image))

    def fit(self, image: Image) -> Image:
        """An image at the model's size, uint8 RGB, shape (*size, 3).

        Raises:
            ImageError: the image has no pixels or is not uint8 RGB.
        """
        return fit(image, self.size, self.resize)

    def encode(self, pixels: Image) -> NDArray[Any]:
        """The input tensor of an image at the model's size, shape (1, height, width, channels)."""
        if self.channels == 1:
            pixels = to_grey(pixels)
        return (pixels if self.table is None else self.table[pixels])[np.newaxis]


def parse_input_range(text: str) -> InputRange:
    """Read `LOW,HIGH`.

    Raises:
        UsageError: not two finite numbers in ascending order.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--input-range takes LOW,HIGH such as -1,1; got {text!r}") from error
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"--input-range takes two numbers, the smaller one first; got {text!r}")
    return low, high


def read_input_range(spec: TensorSpec, *, name: str) -> InputRange:
    """The real numbers for pixels 0 and 255, from the range of a quantized input tensor.

    Raises:
        ModelError: the tensor is float32, or its range is not one that pixels are usually scaled to,
            so that nothing in the file says how pixels must be scaled.
    """
    advice = f"{name}: give the values of pixels 0 and 255 with --input-range LOW,HIGH (MobileNet: -1,1)"
    if not spec.quantized:
        raise ModelError(
            f"{advice}: the input is float32, and neither a model card nor metadata says its range"
        )
    limits = np.iinfo(spec.dtype)
    low, high = (float(spec.real(np.array(limit))) for limit in (limits.min, limits.max))
    if not any(math.isclose(high - low, width, rel_tol=0.03) for width in _USUAL_WIDTHS):
        raise ModelError(
            f"{advice}: the input tensor spans {low:.3f} to {high:.3f}, not a usual range for pixels"
        )
    return low, high


def pixel_table(spec: TensorSpec, input_range: InputRange) -> NDArray[Any] | None:
    """The tensor value for each pixel value, dtype of the tensor, shape (256,); None where they are equal."""
    low, high = input_range
    real = low + np.arange(256) / 255.0 * (high - low)
    if not spec.quantized:
        return real.astype(np.float32)
    limits = np.iinfo(spec.dtype)
    table = np.clip(np.rint(real / spec.scale) + spec.zero_point, limits.min, limits.max).astype(spec.dtype)
    return None if np.array_equal(table, np.arange(256)) else table
