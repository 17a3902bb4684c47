"""Whether the camera looks at the same scene: the layout of bright and dark in earlier frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from edge_runtime.images import opencv

SIDE = 8
"""A frame is reduced to so many pixels a side."""

LEARNED = 250
"""Frames that the layout is learned from, and as many that show how much it usually varies."""

FIXED = 0.5
"""Median correlation from which a camera counts as fixed: a moving one, or a folder of photos, has none."""

SAME = 0.5
"""A frame with a larger correlation shows the same scene, whatever is usual."""

ADAPTED = 5000
"""Frames over which the layout follows the light of the day."""

_GREEN = 1
_ROWS = 32


class SceneLayout:
    """Learns the layout of a scene from the first frames, and recognizes frames of another one.

    The layout of a frame is its brightness in `SIDE` × `SIDE` fields without mean and contrast, so that a
    darker room is the same scene.
    """

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] = np.zeros(SIDE * SIDE, np.float32)
        self._learned = 0
        self._correlations: list[float] = []
        self._limit: float | None = None

    @property
    def is_learned(self) -> bool:
        """Whether there is a layout to compare with; never for a camera that moves."""
        return self._limit is not None

    def is_other_scene(self, image: Image) -> bool:
        """Whether a frame shows another scene than those before; False while it is being learned."""
        layout = _measure(image)
        if layout is None:
            return False
        if self._learned < LEARNED:
            self._learned += 1
            self._mean += (layout - self._mean) / self._learned
            return False
        length = float(np.sqrt(self._mean @ self._mean))
        correlation = float(layout @ self._mean) / length if length else 0.0
        if self._limit is None:
            self._learn_limit(correlation)
            return False
        other = correlation < self._limit
        if not other:
            self._mean += (layout - self._mean) / ADAPTED
        return other

    def _learn_limit(self, correlation: float) -> None:
        if len(self._correlations) >= LEARNED:
            return
        self._correlations.append(correlation)
        if len(self._correlations) == LEARNED and float(np.median(self._correlations)) >= FIXED:
            self._limit = min(SAME, float(np.quantile(self._correlations, 0.05)))


def _measure(image: Image) -> "NDArray[np.float32] | None":
    """The layout, float32 of mean 0 and length 1; None for a uniform image."""
    cv2: Any = opencv()
    rows = image[:: max(1, image.shape[0] // _ROWS), :, _GREEN].copy()
    small = cv2.resize(rows, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    mean, deviation = cv2.meanStdDev(small)
    # Of values of mean 0 the length is the standard deviation times the root of their number.
    length = float(deviation[0, 0]) * SIDE
    return ((small.reshape(-1) - mean[0, 0]) / length).astype(np.float32) if length > SIDE else None
