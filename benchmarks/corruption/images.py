"""Corrupted images as files that every target reads, one kind and strength at a time."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.corruption.kinds import STRENGTHS, Corruption, corrupt
from edge_runtime.core import Image, Resize, Size
from edge_runtime.images import encode_png, fit

SEED = 0
MAX_IMAGES = 200
"""Images that are corrupted in 35 ways each."""


@dataclass(frozen=True, eq=False)
class CorruptedImages:
    """Images at a model's size, to be corrupted.

    Attributes:
        images: uint8 RGB, each of shape (height, width, 3).
        targets: the right class of each.
    """

    images: Sequence[Image]
    targets: tuple[int, ...]

    def cases(self) -> Iterator[tuple[Corruption, int]]:
        """Every kind in every strength."""
        return ((kind, strength) for kind in Corruption for strength in range(1, STRENGTHS + 1))

    @contextlib.contextmanager
    def files(self, kind: Corruption, strength: int) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """A folder with every image, corrupted, and the names of the files; it is removed at the end."""
        with tempfile.TemporaryDirectory() as folder:
            names = tuple(f"{position}.png" for position in range(len(self.images)))
            for position, (image, name) in enumerate(zip(self.images, names, strict=True)):
                changed = corrupt(image, kind, strength, SEED + position)
                (Path(folder) / name).write_bytes(encode_png(changed))
            yield Path(folder), names


def choose_images(
    read: Callable[[int], Image], targets: Sequence[int], size: Size, resize: Resize
) -> CorruptedImages:
    """Images at equal distances in a set, at most `MAX_IMAGES`.

    Args:
        read: position → image.
        targets: the right class of each image.
        size: of the model's input.
        resize: how the model's images are resized.

    Raises:
        DatasetError: an image cannot be read.
    """
    count = min(len(targets), MAX_IMAGES)
    chosen = np.linspace(0, len(targets) - 1, count).astype(int).tolist()
    return CorruptedImages(
        [fit(read(position), size, resize) for position in chosen],
        tuple(targets[position] for position in chosen),
    )
