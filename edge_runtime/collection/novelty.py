"""How far a frame is from the nearest one that is kept."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.collection.descriptor import unpack
from edge_runtime.collection.entry import Entry
from edge_runtime.images import HASH_BITS, hash_distance

UNRELATED_BITS = HASH_BITS / 2
"""The distance of the hashes of unrelated images."""


@dataclass(frozen=True, eq=False)
class Appearance:
    """What a frame looks like.

    Attributes:
        hash: perceptual hash; None for an image without contrast, or too small for one.
        descriptor: shape (64,); None where the model has no features.
    """

    hash: int | None
    descriptor: NDArray[np.float32] | None


class Kept:
    """The looks of the frames that are kept.

    Args:
        entries: of the collection.
        model: SHA-256 of the model that runs now: descriptors of other models cannot be compared.
    """

    def __init__(self, entries: Iterable[Entry], model: str) -> None:
        self._model = model
        self._hashes: dict[str, int] = {}
        self._descriptors: dict[str, NDArray[np.float32]] = {}
        self._matrix: NDArray[np.float32] | None = None
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Note a frame that is kept."""
        descriptor = unpack(entry.descriptor) if entry.model == self._model else None
        if descriptor is not None:
            self._descriptors[entry.file] = descriptor
            self._matrix = None
        elif entry.hash:
            self._hashes[entry.file] = int(entry.hash, 16)

    def retain(self, files: Iterable[str]) -> None:
        """Forget all other frames."""
        files = set(files)
        for gone in self._hashes.keys() - files:
            del self._hashes[gone]
        for gone in self._descriptors.keys() - files:
            del self._descriptors[gone]
            self._matrix = None

    def novelty(self, look: Appearance) -> float:
        """The distance to the nearest frame, in [0, 1]; 1 for an image unrelated to all of them."""
        nearest = 1.0
        if look.descriptor is not None and self._descriptors:
            if self._matrix is None:
                self._matrix = np.stack(list(self._descriptors.values()))
            squares = np.square(self._matrix - look.descriptor).sum(axis=1)
            nearest = float(np.sqrt(squares.min()))
        if look.hash is not None and self._hashes:
            bits = min(hash_distance(look.hash, each) for each in self._hashes.values())
            nearest = min(nearest, bits / UNRELATED_BITS)
        return min(nearest, 1.0)
