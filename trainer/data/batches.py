"""Batches of images: decoded and resized in threads, ahead of the training step."""

import copy
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DatasetError, Image, ImageError, Resize, Size
from edge_runtime.datasets import Dataset, Sample
from trainer.data.share import EVERYTHING, Share

Targets = NDArray[np.int64]
"""int64 class indices, shape (batch,)."""

Batch = tuple[NDArray[np.uint8], Targets]
"""uint8 RGB, shape (batch, height, width, 3), read-only, and the targets."""

CACHE_BYTES = 256 * 1024**2
WORKER_BYTES = 64 * 1024**2
"""So much less is kept by each of several workers: TensorFlow's collectives take about 100 MiB there."""

_BATCHES_AHEAD = 3


def kept_bytes(workers: int) -> int:
    """How many bytes of images each of so many workers keeps: none takes more memory than one alone."""
    return CACHE_BYTES if workers == 1 else max(0, CACHE_BYTES // workers - WORKER_BYTES)


class ImageLoader:
    """Reads images at the model's size; caches as many as fit into a fixed amount of memory.

    Args:
        dataset: reads the images.
        size: of the model's input.
        resize: how images are resized to it.
        cache_bytes: 0 where no image is read twice.
    """

    def __init__(
        self, dataset: Dataset, size: Size, resize: Resize, *, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self.size = size
        self._dataset = dataset
        self._resize = resize
        self._kept: dict[str, Image] = {}
        self._room = cache_bytes // (size[0] * size[1] * 3)

    def without_keeping(self) -> "ImageLoader":
        """A loader that finds the images of this one's cache and adds none, for images that are read once."""
        loader = copy.copy(self)
        loader._room = 0
        return loader

    def load(self, sample: Sample) -> Image:
        """The image of a sample, uint8 RGB, shape (*size, 3).

        Raises:
            DatasetError: the image cannot be read any more.
        """
        image = np.empty((*self.size, 3), np.uint8)
        self.load_into(image, sample)
        return image

    def load_into(self, place: Image, sample: Sample) -> None:
        """Write the image of a sample to its place, which must not change: later epochs read it there.

        Raises:
            DatasetError: the image cannot be read any more.
        """
        kept = self._kept.get(sample.file)
        if kept is not None:
            place[:] = kept
            return
        try:
            place[:] = self._dataset.read_fitted(sample.file, self.size, self._resize)
        except ImageError as error:
            raise DatasetError(f"an image can no longer be read: {error}") from error
        if len(self._kept) < self._room:
            # Not copied: new memory costs more than the pixels written to it. Its whole batch is kept, too.
            self._kept[sample.file] = place


@dataclass(frozen=True)
class Batches:
    """The images of one split in batches; iterated once an epoch.

    Attributes:
        loader: reads the images.
        samples: the split.
        targets: the class index of each sample, shape (samples,).
        batch_size: the last batch may be smaller.
        share: of each batch only these images are read, by their position among the samples.
    """

    loader: ImageLoader
    samples: Sequence[Sample]
    targets: Targets
    batch_size: int
    share: Share = EVERYTHING

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return self._in_order(np.arange(len(self.samples)))

    def shuffled(self, seed: int) -> Iterator[Batch]:
        """The batches of one epoch in an order determined by the seed."""
        return self._in_order(np.random.default_rng(seed).permutation(len(self.samples)))

    def subset(self, positions: NDArray[np.int64]) -> "Batches":
        """Batches of some of the images."""
        samples = tuple(self.samples[position] for position in positions)
        return replace(self, samples=samples, targets=self.targets[positions])

    def _in_order(self, order: NDArray[np.int64]) -> Iterator[Batch]:
        parts = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        threads = os.cpu_count() or 1
        with ThreadPoolExecutor(threads) as workers:
            waiting: deque[tuple[Batch, list[Future[None]]]] = deque()
            for part in map(self.share.of, parts):
                images = np.empty((len(part), *self.loader.size, 3), np.uint8)
                # One task for each thread: a task for each image costs a tenth of its decoding.
                tasks = [
                    workers.submit(self._load, images[first::threads], part[first::threads])
                    for first in range(threads)
                ]
                waiting.append(((images, self.targets[part]), tasks))
                if len(waiting) > _BATCHES_AHEAD:
                    yield _finished(*waiting.popleft())
            while waiting:
                yield _finished(*waiting.popleft())

    def _load(self, places: NDArray[np.uint8], positions: NDArray[np.int64]) -> None:
        for place, position in zip(places, positions, strict=True):
            self.loader.load_into(place, self.samples[position])


def _finished(batch: Batch, tasks: list[Future[None]]) -> Batch:
    for task in tasks:
        task.result()
    # Later epochs read the images here.
    batch[0].setflags(write=False)
    return batch


def make_batches(
    loader: ImageLoader,
    samples: Sequence[Sample],
    labels: Sequence[str],
    batch_size: int,
    share: Share = EVERYTHING,
) -> Batches:
    """The batches of a split's samples, or a worker's share of each batch."""
    index = {label: position for position, label in enumerate(labels)}
    targets = np.array([index[sample.label] for sample in samples], np.int64)
    return Batches(loader, tuple(samples), targets, batch_size, share)
