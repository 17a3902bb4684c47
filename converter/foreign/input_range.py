"""Which range of pixels a model was trained with, from its accuracy on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import SIGNIFICANCE_LEVEL, Image, ModelError, mcnemar
from edge_runtime.inference import InputRange

USUAL: tuple[InputRange, ...] = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
"""MobileNetV2's own range; pixels / 255; a model with its rescaling inside."""


@dataclass(frozen=True)
class Tried:
    """A range and the accuracy with it."""

    range: InputRange
    right: NDArray[np.bool_]

    def __str__(self) -> str:
        return f"[{self.range[0]:g}, {self.range[1]:g}]: {self.right.mean():.4f}"


def find_input_range(
    model: Any, images: Sequence[Image], targets: NDArray[np.int64], *, name: str
) -> tuple[InputRange, str]:
    """The range with the best accuracy.

    Args:
        model: float32 images in some range → scores or logits.
        images: uint8 RGB at the model's size.
        targets: class of each image.
        name: how messages call the model.

    Returns:
        The range, and what was measured, in one line.

    Raises:
        ModelError: the images do not tell the ranges apart.
    """
    pixels = np.stack(images).astype(np.float32)
    tried = [Tried(each, _right(model, pixels, targets, each)) for each in USUAL]
    best, second, *_ = sorted(tried, key=lambda each: float(each.right.mean()), reverse=True)
    measured = f"accuracy on {len(images)} images with pixels in {', in '.join(map(str, tried))}"
    p_value = mcnemar(int((best.right & ~second.right).sum()), int((second.right & ~best.right).sum()))
    if p_value > SIGNIFICANCE_LEVEL:
        raise ModelError(
            f"{name}: {measured}: that does not tell which range it was trained with; give it with "
            "--input-range LOW,HIGH, or more images, and check the order of the labels"
        )
    return best.range, measured


def _right(
    model: Any, pixels: NDArray[np.float32], targets: NDArray[np.int64], input_range: InputRange
) -> NDArray[np.bool_]:
    low, high = input_range
    scores = model.predict(low + pixels / 255.0 * (high - low), verbose=0)
    return np.asarray(scores.argmax(axis=1) == targets)
