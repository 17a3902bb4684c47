"""Feature vectors in a temporary file: the disk limits their number, not the memory."""

import os
import tempfile
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import OutputError


class FeatureFile:
    """Rows of float32 in a file without a name, which is gone with the process, however that ends.

    It is read and written, not mapped into memory: mapped pages count as memory of the process, and the
    system writes them back when it wants to.

    Args:
        folder: on the disk that holds the file.
    """

    def __init__(self, folder: Path) -> None:
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with the object
        weakref.finalize(self, file.close)
        self._folder = folder
        self._number = file.fileno()
        self._channels = 0

    def write(self, first: int, rows: NDArray[np.float32]) -> None:
        """Write rows to their place.

        Args:
            first: number of the first row.
            rows: shape (rows, channels).

        Raises:
            OutputError: the disk is full.
        """
        self._channels = rows.shape[1]
        left = np.ascontiguousarray(rows, np.float32).data.cast("B")
        place = first * self._row_bytes
        try:
            while left:
                written = os.pwrite(self._number, left, place)
                left, place = left[written:], place + written
        except OSError as error:
            raise OutputError(
                f"{self._folder}: the features of the images cannot be kept there ({error.strerror}): make "
                "room, or use another --out, or --no-cache-features"
            ) from error

    def read(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows of these numbers, shape (numbers, channels)."""
        rows = np.empty((len(numbers), self._channels), np.float32)
        # Neighbours in the file are read together.
        breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
        for part in np.split(np.arange(len(numbers)), breaks):
            if len(part):
                self._read_into(rows[part[0] : part[-1] + 1], int(numbers[part[0]]))
        return rows

    def _read_into(self, rows: NDArray[np.float32], first: int) -> None:
        left, place = rows.data.cast("B"), first * self._row_bytes
        while left:
            count = os.preadv(self._number, [left], place)
            if not count:
                raise ValueError(f"row {first} was never written")
            left, place = left[count:], place + count

    @property
    def _row_bytes(self) -> int:
        return self._channels * np.dtype(np.float32).itemsize
