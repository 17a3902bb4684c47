"""The part of each batch that one of several workers reads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Share:
    """The images of one worker: every `count`-th, starting with number `index`."""

    index: int = 0
    count: int = 1

    def of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The positions that belong to this worker."""
        own: NDArray[np.int64] = positions[positions % self.count == self.index]
        return own

    def count_of(self, positions: int) -> int:
        """How many of so many positions belong to this worker."""
        return len(range(self.index, positions, self.count))


EVERYTHING = Share()
