"""Images of one color, and files of them."""

from pathlib import Path

import numpy as np

from edge_runtime.images import opencv


def paint(color: tuple[int, int, int], height: int = 20, width: int = 30) -> np.ndarray:
    """An image of one RGB color."""
    return np.full((height, width, 3), color, np.uint8)


def save(path: Path, image: np.ndarray) -> Path:
    """Write an RGB image as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(opencv().imencode(path.suffix, image[..., ::-1])[1].tobytes())
    return path
