"""Synthetic images of no class: what a rejection is fitted on and compared by, where nobody collected any.

Uniform frames, noise and defocus are what a camera sees when it fails; random textures and images with
scrambled phases have the colors and the spectrum of photos, and show no object.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, Size

EXTREME_LEVELS = 32
"""Grey levels at either end of the range that are near black and near white."""

Random = np.random.Generator
FloatImage = NDArray[np.float32]


def make_unknowns(images: Sequence[Image], count: int, seed: int) -> dict[str, list[Image]]:
    """Make images of no class from images of the classes.

    Args:
        images: uint8 RGB of one size, at least one.
        count: how many of each kind.
        seed: the same seed and images give the same result.

    Returns:
        Kind → uint8 RGB images of the size of `images`.
    """
    random = np.random.default_rng(seed)
    return {
        kind: [make(images[number % len(images)], random) for number in range(count)]
        for kind, make in KINDS.items()
    }


def make_extremes(image: Image) -> dict[str, list[Image]]:
    """Frames of one grey near black and near white: what a covered and an overexposed camera gives.

    Few uniform frames of random colors are near them, and each is far from the others: a direction of the
    features that tells apart uniform frames in general says little of the whitest.

    Args:
        image: of the size that is wanted.

    Returns:
        Kind → uint8 RGB images, one for each grey level.
    """
    kinds = {"black": range(EXTREME_LEVELS), "white": range(256 - EXTREME_LEVELS, 256)}
    return {kind: [np.full_like(image, level) for level in levels] for kind, levels in kinds.items()}


def _uniform(image: Image, random: Random) -> Image:
    """A frame of one color; half of them are grey, black and white included."""
    grey = random.random() < 0.5
    # An eighth of the range at either end is cut off, so that black and white are as frequent as any grey.
    color = np.clip(random.uniform(-32, 287, 1 if grey else 3), 0, 255)
    return np.zeros_like(image) + np.rint(color).astype(np.uint8)


def _noise(image: Image, random: Random) -> Image:
    """Every pixel by itself: of the whole range, or around a grey level."""
    if random.random() < 0.5:
        return random.integers(0, 256, image.shape, np.uint8)
    return _to_image(random.normal(random.uniform(0, 255), random.uniform(2, 80), image.shape))


def _texture(image: Image, random: Random) -> Image:
    """Colored clouds to fine grain: noise whose amplitude falls with a random power of the frequency."""
    fall = _frequencies(image.shape[:2]) ** -random.uniform(0.5, 2.5)
    channels = 3 if random.random() < 0.5 else 1
    spectrum = np.fft.rfft2(random.standard_normal((*image.shape[:2], channels)), axes=(0, 1))
    texture = np.fft.irfft2(spectrum * fall[..., np.newaxis], s=image.shape[:2], axes=(0, 1))
    low, high = np.sort(random.uniform(0, 255, 2))
    span = max(float(np.ptp(texture)), 1e-6)
    return _to_image(np.broadcast_to(low + (texture - texture.min()) / span * (high - low), image.shape))


def _defocused(image: Image, random: Random) -> Image:
    """Blurred by a Gaussian of 6 to 20 % of the side: no shape is left."""
    size = image.shape[:2]
    deviation = random.uniform(0.06, 0.2) * min(size)
    # Mirrored at the edges: the transform is periodic, and would mix the left edge into the right one.
    whole = np.pad(image, ((0, size[0]), (0, size[1]), (0, 0)), "symmetric").astype(np.float32)
    kept = np.exp(-2 * (np.pi * deviation * _frequencies(whole.shape[:2], zero=0.0)) ** 2)
    blurred = np.fft.irfft2(
        np.fft.rfft2(whole, axes=(0, 1)) * kept[..., np.newaxis], s=whole.shape[:2], axes=(0, 1)
    )
    return _to_image(blurred[: size[0], : size[1]])


def _scrambled(image: Image, random: Random) -> Image:
    """The image with the phases of noise: the same spectrum and mean color, no object."""
    noise = np.fft.rfft2(random.standard_normal(image.shape[:2]))
    phases = np.exp(1j * np.angle(noise))
    phases[0, 0] = 1.0
    spectrum = np.abs(np.fft.rfft2(image.astype(np.float32), axes=(0, 1)))
    return _to_image(np.fft.irfft2(spectrum * phases[..., np.newaxis], s=image.shape[:2], axes=(0, 1)))


KINDS: Mapping[str, Callable[[Image, Random], Image]] = MappingProxyType(
    {
        "uniform": _uniform,
        "noise": _noise,
        "texture": _texture,
        "defocused": _defocused,
        "scrambled": _scrambled,
    }
)
"""Kind of synthetic unknown → the function that makes one, from an image and a random generator."""


def _frequencies(size: Size, zero: float = 1.0) -> FloatImage:
    """The frequency of each coefficient of `rfft2` in cycles per pixel; `zero` for the mean."""
    rows, columns = np.fft.fftfreq(size[0])[:, np.newaxis], np.fft.rfftfreq(size[1])
    frequencies = np.hypot(rows, columns)
    frequencies[0, 0] = zero
    return np.asarray(frequencies, np.float32)


def _to_image(values: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
