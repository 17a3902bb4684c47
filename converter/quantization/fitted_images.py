"""Images of a run at the model's size: decoded in threads, and not all held in memory."""

import os
from collections.abc import Iterator, Sequence
from typing import overload

from edge_runtime.core import (
    DatasetError,
    Image,
    ImageError,
    group_size,
    in_groups,
    map_in_order,
)
from edge_runtime.datasets import Dataset, Sample
from edge_runtime.model import ModelCard

KEPT_BYTES = 64 * 1024**2
"""Pixels that are kept for the next pass; images beyond are decoded again."""


class FittedImages(Sequence[Image]):
    """Images of a run, uint8 RGB, each of shape (*image_size, 3); decoded each time that they are iterated.

    Args:
        card: of the run: its size and resize mode.
        dataset: reads the images.
        samples: the images.
    """

    def __init__(self, card: ModelCard, dataset: Dataset, samples: Sequence[Sample]) -> None:
        self._card = card
        self._dataset = dataset
        self._samples = tuple(samples)
        self._kept: dict[int, Image] = {}
        height, width = card.image_size
        self._most = KEPT_BYTES // (height * width * 3)
        self._group = group_size(height * width * 3)

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, position: int) -> Image: ...
    @overload
    def __getitem__(self, position: slice) -> list[Image]: ...
    def __getitem__(self, position: int | slice) -> "Image | list[Image]":
        if isinstance(position, slice):
            return [self._read(each) for each in range(len(self))[position]]
        return self._read(range(len(self))[position])

    def __iter__(self) -> Iterator[Image]:
        """The images in order.

        Raises:
            DatasetError: one is gone.
        """
        threads = os.cpu_count() or 1
        groups = in_groups(range(len(self)), lambda: self._group)
        for group in map_in_order(
            lambda positions: [self._read(each) for each in positions],
            groups,
            threads=threads,
            ahead=2 * threads,
        ):
            yield from group.result()

    def _read(self, position: int) -> Image:
        kept = self._kept.get(position)
        if kept is not None:
            return kept
        card, file = self._card, self._samples[position].file
        try:
            image = self._dataset.read_fitted(file, card.image_size, card.resize)
        except ImageError as error:
            raise DatasetError(f"an image of the run can no longer be read: {error}") from error
        if len(self._kept) < self._most:
            self._kept[position] = image
        return image
