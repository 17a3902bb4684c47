"""Pictures as batches: decoded and resized in threads, ahead of the training step."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime import Dataset, DatasetError, Image, ImageError, Resize, Sample, Size
from trainer.distribution import EVERYTHING, Share

Targets = NDArray[np.int64]
"""int64 class indices, shape (batch,)."""

Batch = tuple[NDArray[np.uint8], Targets]
"""uint8 RGB, shape (batch, height, width, 3), and the targets."""

CACHE_BYTES = 256 * 1024**2
_BATCHES_AHEAD = 3


class PictureLoader:
    """Reads pictures at the model's size; keeps as many as fit into a fixed budget of memory."""

    def __init__(self, dataset: Dataset, size: Size, resize: Resize) -> None:
        self.size = size
        self._dataset = dataset
        self._resize = resize
        self._kept: dict[str, Image] = {}
        self._room = CACHE_BYTES // (size[0] * size[1] * 3)

    def load(self, sample: Sample) -> Image:
        """A sample's picture, uint8 RGB, shape (*size, 3).

        Raises:
            DatasetError: the picture is gone since it was checked.
        """
        kept = self._kept.get(sample.file)
        if kept is not None:
            return kept
        try:
            image = self._dataset.read_fitted(sample.file, self.size, self._resize)
        except ImageError as error:
            raise DatasetError(f"a picture can no longer be read: {error}") from error
        if len(self._kept) < self._room:
            self._kept[sample.file] = image
        return image


@dataclass(frozen=True)
class Batches:
    """The pictures of one split, batch by batch; iterate it once an epoch.

    Attributes:
        loader: where pictures come from.
        samples: the split.
        targets: the class index of each sample, shape (samples,).
        batch_size: the last batch may be smaller.
        share: of each batch only these pictures are read, by their position among the samples.
    """

    loader: PictureLoader
    samples: Sequence[Sample]
    targets: Targets
    batch_size: int
    share: Share = EVERYTHING

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return self._in_order(np.arange(len(self.samples)))

    def shuffled(self, seed: int) -> Iterator[Batch]:
        """The batches of one epoch in an order that the seed decides."""
        return self._in_order(np.random.default_rng(seed).permutation(len(self.samples)))

    def _in_order(self, order: NDArray[np.int64]) -> Iterator[Batch]:
        parts = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        threads = os.cpu_count() or 1
        with ThreadPoolExecutor(threads) as workers:
            waiting: deque[tuple[NDArray[np.int64], list[Future[list[Image]]]]] = deque()
            for part in map(self.share.of, parts):
                # One task for each thread: a task for each picture costs a tenth of its decoding.
                tasks = np.array_split(part, threads)
                waiting.append((part, [workers.submit(self._load, task) for task in tasks]))
                if len(waiting) > _BATCHES_AHEAD:
                    yield self._collect(*waiting.popleft())
            while waiting:
                yield self._collect(*waiting.popleft())

    def _load(self, positions: NDArray[np.int64]) -> list[Image]:
        return [self.loader.load(self.samples[position]) for position in positions]

    def _collect(self, part: NDArray[np.int64], futures: list[Future[list[Image]]]) -> Batch:
        images = [image for future in futures for image in future.result()]
        return np.reshape(images, (-1, *self.loader.size, 3)).astype(np.uint8, copy=False), self.targets[part]


def make_batches(
    loader: PictureLoader,
    samples: Sequence[Sample],
    labels: Sequence[str],
    batch_size: int,
    share: Share = EVERYTHING,
) -> Batches:
    """The batches of a split's samples, or of a worker's share of each."""
    index = {label: position for position, label in enumerate(labels)}
    targets = np.array([index[sample.label] for sample in samples], np.int64)
    return Batches(loader, tuple(samples), targets, batch_size, share)
