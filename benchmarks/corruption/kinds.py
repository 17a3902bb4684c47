"""The kinds of corruption and their strengths.

Noise, blur, brightness and JPEG are those of D. Hendrycks and T. Dietterich, Benchmarking Neural Network
Robustness to Common Corruptions and Perturbations, 2019; shift and rotation are of a camera that was moved.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import cast

import numpy as np
from numpy.random import Generator

from edge_runtime.core import Image
from edge_runtime.images import decode_image, encode_jpeg, opencv

STRENGTHS = 5


class Corruption(StrEnum):
    """What is done to an image."""

    BLUR = "blur"
    NOISE = "noise"
    DARK = "dark"
    BRIGHT = "bright"
    JPEG = "jpeg"
    SHIFT = "shift"
    ROTATION = "rotation"


AMOUNTS: Mapping[Corruption, tuple[float, ...]] = {
    Corruption.BLUR: (0.003, 0.006, 0.009, 0.013, 0.018),
    Corruption.NOISE: (0.04, 0.08, 0.12, 0.18, 0.26),
    Corruption.DARK: (0.7, 0.5, 0.35, 0.2, 0.1),
    Corruption.BRIGHT: (0.1, 0.2, 0.3, 0.4, 0.5),
    Corruption.JPEG: (25, 18, 15, 10, 7),
    Corruption.SHIFT: (0.05, 0.1, 0.15, 0.2, 0.3),
    Corruption.ROTATION: (5, 10, 20, 30, 45),
}
"""Of strengths 1 to 5. Blur: standard deviation as a fraction of the side; noise: of the range; dark: factor;
bright: what is added, of the range; JPEG: quality; shift: of the side; rotation: degrees."""


def corrupt(image: Image, kind: Corruption, strength: int, seed: int) -> Image:
    """Corrupt an image.

    Args:
        image: uint8 RGB, shape (height, width, 3), at the model's size.
        kind: what is done.
        strength: 1 to 5.
        seed: of the noise, and of the directions of shift and rotation.

    Returns:
        uint8 RGB of the same shape.
    """
    rng = np.random.default_rng([seed, list(Corruption).index(kind), strength])
    return _FUNCTIONS[kind](image, AMOUNTS[kind][strength - 1], rng)


def _blur(image: Image, amount: float, _rng: Generator) -> Image:
    return cast(Image, opencv().GaussianBlur(image, (0, 0), amount * max(image.shape[:2])))


def _noise(image: Image, amount: float, rng: Generator) -> Image:
    return _rounded(image + rng.normal(0, 255 * amount, image.shape))


def _dark(image: Image, amount: float, _rng: Generator) -> Image:
    return _rounded(image * amount)


def _bright(image: Image, amount: float, _rng: Generator) -> Image:
    return _rounded(image + 255 * amount)


def _jpeg(image: Image, amount: float, _rng: Generator) -> Image:
    return decode_image(encode_jpeg(image, int(amount)), at_least=0)


def _shift(image: Image, amount: float, rng: Generator) -> Image:
    turn = rng.uniform(0, 2 * np.pi)
    side = max(image.shape[:2])
    return _warp(
        image, np.array([[1, 0, amount * side * np.cos(turn)], [0, 1, amount * side * np.sin(turn)]])
    )


def _rotation(image: Image, amount: float, rng: Generator) -> Image:
    height, width = image.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    return _warp(image, opencv().getRotationMatrix2D(middle, amount * rng.choice([-1, 1]), 1))


def _warp(image: Image, matrix: "np.ndarray") -> Image:
    """Move pixels; the edges are reflected, so that no black border tells more than the image."""
    cv2 = opencv()
    size = (image.shape[1], image.shape[0])
    return cast(Image, cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT_101))


def _rounded(values: "np.ndarray") -> Image:
    return cast(Image, np.clip(np.rint(values), 0, 255).astype(np.uint8))


_FUNCTIONS: Mapping[Corruption, Callable[[Image, float, Generator], Image]] = {
    Corruption.BLUR: _blur,
    Corruption.NOISE: _noise,
    Corruption.DARK: _dark,
    Corruption.BRIGHT: _bright,
    Corruption.JPEG: _jpeg,
    Corruption.SHIFT: _shift,
    Corruption.ROTATION: _rotation,
}
