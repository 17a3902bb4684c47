"""The image files of a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.core import list_files

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def list_images(folder: Path) -> Iterator[Path]:
    """The image files below a folder, in natural order; hidden ones are left out."""
    return (folder / name for name in list_files(folder) if is_image_name(name))


def is_image_name(name: str | Path) -> bool:
    """Whether a file name has the ending of an image file."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a folder has many names
