"""What the capture process and its parent exchange: messages, counters and pixels."""

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import CLOSED, ImageError

COUNTERS = ("read", "dropped", "repeated", "damaged")
HEADER_BYTES = 4096
PIXEL_BYTES = 128 * 1024**2
"""Room for one frame; only the used part takes memory."""


@dataclass(frozen=True)
class CaptureMessage:
    """A line from the capture process; one of its four kinds is set.

    Attributes:
        opened: the device is open with these settings.
        shape: a frame of this shape is in the shared memory.
        captured_at: of that frame, monotonic seconds.
        wall_time: of that frame, seconds since 1970.
        ended: the device gives no more frames.
        failed: the device failed for this reason.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    opened: str | None = None
    shape: tuple[int, int, int] | None = None
    captured_at: float = 0.0
    wall_time: float = 0.0
    ended: bool = False
    failed: str | None = None

    def __post_init__(self) -> None:
        if self.shape is not None and not (self.captured_at and self.wall_time):
            raise ValueError("a frame without its times")


class SharedMemory:
    """Counters and pixels in memory that both processes have mapped."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, HEADER_BYTES + PIXEL_BYTES)
        self.counters: NDArray[np.uint64] = np.frombuffer(self._map, np.uint64, len(COUNTERS))

    def pixels(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The frame in it, as a view.

        Raises:
            ImageError: a frame of this shape does not fit.
        """
        count = math.prod(shape)
        if len(shape) != 3 or min(shape) < 1 or count > PIXEL_BYTES:
            raise ImageError(f"a frame of {shape}: more than {PIXEL_BYTES // 1024**2} MiB, or empty")
        return np.frombuffer(self._map, np.uint8, count, HEADER_BYTES).reshape(shape)
