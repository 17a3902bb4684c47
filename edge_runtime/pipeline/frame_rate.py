"""Frames per second over the last frames."""

from collections import deque

from edge_runtime.core import clock

FRAMES = 30


class FrameRate:
    """Measures the rate of the last `FRAMES` frames."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=FRAMES)

    def count(self) -> None:
        """Count a frame at this moment."""
        self._moments.append(clock.now())

    @property
    def value(self) -> float:
        """Frames per second; 0 before the second frame."""
        if len(self._moments) < 2:
            return 0.0
        return (len(self._moments) - 1) / max(1e-9, self._moments[-1] - self._moments[0])
