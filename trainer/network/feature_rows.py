"""Feature vectors in a temporary file: memory does not grow with the number of images."""

import os
import tempfile
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import OutputError


class FeatureRows:
    """Rows of float32 in a file without a name, which ends with the process; rows never written are 0.

    The operating system keeps as much of it in memory as there is room for.

    Args:
        folder: where the file is.
        channels: values of each row.

    Raises:
        OutputError: the file cannot be created.
    """

    def __init__(self, folder: Path, channels: int) -> None:
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with this object
        except OSError as error:
            raise OutputError(f"cannot create a temporary file in {folder}: {error.strerror}") from error
        weakref.finalize(self, self._file.close)
        self._folder = folder
        self._channels = channels
        self._row_bytes = 4 * channels

    def write(self, positions: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
        """Write rows.

        Args:
            positions: of the rows, shape (count,).
            rows: float32, shape (count, channels).

        Raises:
            OutputError: there is no room for them.
        """
        content = np.ascontiguousarray(rows, np.float32)
        try:
            for position, row in zip(positions.tolist(), content, strict=True):
                os.pwrite(self._file.fileno(), row.data, position * self._row_bytes)
        except OSError as error:
            raise OutputError(f"cannot write features into {self._folder}: {error.strerror}") from error

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read rows, float32, shape (count, channels)."""
        rows = np.zeros((len(positions), self._channels), np.float32)
        for position, row in zip(positions.tolist(), rows, strict=True):
            os.preadv(self._file.fileno(), [row.data], position * self._row_bytes)
        return rows
