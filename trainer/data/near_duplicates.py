"""Find near-duplicates: the same scene encoded again, brightened, cropped a little, or a moment later.

Three steps: perceptual hashes that differ in few bits name candidates. Most of those that are none are ruled
out at a sixteenth of the pixels. The rest are confirmed when one image is found in the other (normalized
cross-correlation), at the same size or as a crop of it.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ImageError, Resize, Tick, no_tick
from edge_runtime.datasets import Dataset, Sample
from edge_runtime.images import HASH_BITS, opencv
from trainer.data.disjoint_sets import DisjointSets

MAX_DISTANCE = 18
"""Bits in which the hashes of candidates differ. Crops by 5 % that were brightened too differ in up to 16."""

MIN_CORRELATION = 0.92
"""On photos of one kind of object, crops by 5 % that were brightened reach 0.927, other pairs 0.912."""

_SIZE = (64, 64)
_CROPS = (62, 60, 58)
"""The side of an image that is a crop of the other, at the other's scale: crops by 3 to 9 %."""

_MARGIN = 4
"""Pixels by which an image may be shifted against the other."""

_COARSE_SIDE, _COARSE_CROPS, _COARSE_MARGIN = 16, (15,), 1
_COARSE_CORRELATION = 0.82
"""Of 800 pairs of a photo and itself, cropped by up to 9 %, brightened and with noise, none that is confirmed
has less than 0.869."""

_FINE_KEPT = 2048
"""Images of 64 pixels kept in memory: 32 MB. The coarse ones are 1 kB each, and all are kept."""

MAX_TRIED = 16
"""Candidates of an image, the nearest first, that are compared in vain: images of one kind are often all
candidates of each other, and 10,000 of them are 50 million pairs."""

_ROWS = 128
"""Hashes compared at a time: 50,000 hashes then need 25 MB for their distances."""

Small = NDArray[np.float32]
"""Brightness, shape (64, 64) or (16, 16)."""


def near_duplicate_reader(dataset: Dataset, samples: Sequence[Sample]) -> Callable[[int], Image]:
    """What reads an image for `find_near_duplicates`; one that can no longer be read is black."""

    def read(position: int) -> Image:
        try:
            return dataset.read_fitted(samples[position].file, _SIZE, Resize.SQUASH)
        except ImageError:
            return np.zeros((*_SIZE, 3), np.uint8)

    return read


def find_near_duplicates(
    hashes: Sequence[int | None], read: Callable[[int], Image], tick: Tick = no_tick
) -> tuple[tuple[int, ...], ...]:
    """Sets of images, each similar to another one of its set.

    Args:
        hashes: `perceptual_hash` of each image; None for an image that is similar to none.
        read: the image at a position, see `near_duplicate_reader`.
        tick: progress callback.

    Returns:
        Positions in ascending order; images without a near-duplicate are left out.
    """
    sets: DisjointSets[int] = DisjointSets()
    alike = _Comparison(read).alike

    for one, others in _candidates(hashes, tick):
        tried = 0
        for other in others:
            # A static scene has as many pairs as the square of its images: one of them each is enough.
            if sets.root(one) == sets.root(other):
                continue
            if alike(one, other):
                sets.join(one, other)
                continue
            tried += 1
            if tried == MAX_TRIED:
                break
    return tuple(tuple(sorted(each)) for each in sets.larger_than_one())


def _candidates(hashes: Sequence[int | None], tick: Tick) -> Iterator[tuple[int, list[int]]]:
    """Each image with the earlier ones that have a similar hash, the nearest first, of equals the latest."""
    positions = np.array([at for at, each in enumerate(hashes) if each is not None], np.int64)
    octets = np.array(
        [list(each.to_bytes(HASH_BITS // 8)) for each in hashes if each is not None], np.uint8
    ).reshape(-1, HASH_BITS // 8)
    # With bits as -1 and 1, the product of two hashes is the number of equal bits less that of others.
    signs = np.unpackbits(octets, axis=1).astype(np.float32) * 2 - 1
    for start in range(0, len(signs), _ROWS):
        rows = signs[start : start + _ROWS]
        distances = (HASH_BITS - rows @ signs[: start + len(rows)].T) / 2
        for row, column in enumerate(range(start, start + len(rows))):
            found = np.flatnonzero(distances[row, :column] <= MAX_DISTANCE)
            if len(found):
                nearest = np.lexsort((-found, distances[row, found]))
                yield int(positions[column]), positions[found[nearest]].tolist()
        tick(start + len(rows), len(signs))


def _shrink(image: Image) -> Small:
    cv2: Any = opencv()
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    blurred: Small = cv2.GaussianBlur(grey, (0, 0), 1.0)
    return blurred


class _Comparison:
    """Compares images by their positions.

    Args:
        read: the image at a position.
    """

    def __init__(self, read: Callable[[int], Image]) -> None:
        self._coarse: dict[int, Small] = {}
        self._fine = functools.lru_cache(_FINE_KEPT)(lambda position: _shrink(read(position)))

    def alike(self, one: int, other: int) -> bool:
        """Whether they are near-duplicates."""
        coarse = self._coarse_of(one), self._coarse_of(other)
        if _correlation(*coarse, _COARSE_CROPS, _COARSE_MARGIN) < _COARSE_CORRELATION:
            return False
        return _correlation(self._fine(one), self._fine(other), _CROPS, _MARGIN) >= MIN_CORRELATION

    def _coarse_of(self, position: int) -> Small:
        if position not in self._coarse:
            cv2: Any = opencv()
            sides = (_COARSE_SIDE, _COARSE_SIDE)
            self._coarse[position] = cv2.resize(self._fine(position), sides, interpolation=cv2.INTER_AREA)
        return self._coarse[position]


def _correlation(one: Small, other: Small, crops: Sequence[int], margin: int) -> float:
    """The largest correlation of one image with a part of the other."""
    return max(_found_in(one, other, crops, margin), _found_in(other, one, crops, margin))


def _found_in(part: Small, whole: Small, crops: Sequence[int], margin: int) -> float:
    cv2: Any = opencv()
    templates = [cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) for side in crops]
    templates.append(part[margin:-margin, margin:-margin])
    return max(float(cv2.matchTemplate(whole, each, cv2.TM_CCOEFF_NORMED).max()) for each in templates)
