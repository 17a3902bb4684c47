"""A moving pattern as a device, for trials and tests."""

import numpy as np

from edge_runtime.core import Image
from edge_runtime.sources.devices.request import DeviceRequest, Raw
from edge_runtime.sources.synthetic import moving_pattern


class PatternDevice:
    """A moving pattern, for trials and tests."""

    def __init__(self, request: DeviceRequest) -> None:
        size = (request.height or 480, request.width or 640)
        self.given = f"a moving pattern of {size[1]}x{size[0]}"
        self._images = moving_pattern(size)

    def read(self) -> Raw | None:
        """See `Device.read`."""
        return next(self._images)

    def to_rgb(self, raw: Raw) -> Image:
        """See `Device.to_rgb`."""
        return np.asarray(raw, np.uint8)

    def close(self) -> None:
        """See `Device.close`."""
