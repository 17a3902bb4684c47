"""Decode, resize and transforms give the pixels that are stored beside this test, on every OpenCV allowed.

    python -m tests.edge_runtime.images.test_golden_pixels

writes them again: only after an intended change of preprocessing:
models were trained on the old pixels.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from edge_runtime import Flip, Region, Resize, Rotation, Transform, decode_image, encode_png, fit

FOLDER = Path(__file__).parent / "golden"

# Different versions of the JPEG decoder and of the SIMD code of `resize` round differently.
TOLERANCE = {"jpeg": 3, "fit": 2}


def source() -> np.ndarray:
    """240x320: gradients, a sharp circle and stripes, different in each channel."""
    rows, columns = np.mgrid[0:240, 0:320]
    circle = (rows - 100) ** 2 + (columns - 200) ** 2 < 60**2
    red = (columns * 255 // 319).astype(np.uint8)
    green = np.where(circle, 230, rows * 255 // 239).astype(np.uint8)
    blue = np.where((rows + 2 * columns) // 12 % 2, 40, 210).astype(np.uint8)
    return np.dstack([red, green, blue])


def cases() -> Mapping[str, Callable[[], np.ndarray]]:
    """What is compared, by the name of its file."""
    image = source()
    jpeg = (FOLDER / "source.jpg").read_bytes()
    made = {
        "png": lambda: decode_image(encode_png(image), at_least=0)[::4, ::4],
        "jpeg": lambda: decode_image(jpeg, at_least=0)[::4, ::4],
        "jpeg-half": lambda: decode_image(jpeg, at_least=100)[::2, ::2],
        "jpeg-eighth": lambda: decode_image(jpeg, at_least=30),
        "rotate-90": lambda: Transform(Rotation.QUARTER).apply(image)[::4, ::4],
        "rotate-180": lambda: Transform(Rotation.HALF).apply(image)[::4, ::4],
        "rotate-270": lambda: Transform(Rotation.THREE_QUARTERS).apply(image)[::4, ::4],
        "flip-horizontal": lambda: Transform(flip=Flip.HORIZONTAL).apply(image)[::4, ::4],
        "flip-vertical": lambda: Transform(flip=Flip.VERTICAL).apply(image)[::4, ::4],
        "region": lambda: Transform(region=Region(40, 60, 80, 70)).apply(image),
    }
    for mode in Resize:
        for side in (24, 96):
            made[f"fit-{mode}-{side}"] = lambda mode=mode, side=side: fit(image, (side, side), mode)
    return made


@pytest.mark.parametrize("name", sorted(cases()))
def test_pixels_are_the_stored_ones(name: str) -> None:
    expected = np.asarray(PIL.Image.open(FOLDER / f"{name}.png"))
    found = cases()[name]()
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.uint8
    difference = np.abs(found.astype(int) - expected.astype(int)).max()
    assert difference <= TOLERANCE.get(name.partition("-")[0], 0)


def write() -> None:
    """Store the pixels of the installed OpenCV; `source.jpg` stays."""
    for name, make in cases().items():
        PIL.Image.fromarray(make()).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    write()
