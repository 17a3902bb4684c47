"""Raspberry Pi cameras through picamera2, which the system's Python has."""

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, SourceError
from edge_runtime.sources.devices.request import DeviceRequest, Raw


class PiCameraDevice:
    """A Raspberry Pi camera through picamera2, which the system's Python has."""

    def __init__(self, request: DeviceRequest) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise SourceError(
                f"picamera2 cannot be imported ({error}): `sudo apt install python3-picamera2`, and make the "
                "virtual environment with --system-site-packages"
            ) from error
        number = int(request.address.partition(":")[2] or 0)
        try:
            self._camera = Picamera2(number)
        except (IndexError, RuntimeError) as error:
            raise SourceError(
                f"picamera2 has no camera {number} ({error}); see `rpicam-hello --list-cameras`"
            ) from error
        size = (request.width or 640, request.height or 480)
        controls = {"FrameRate": request.frame_rate} if request.frame_rate else {}
        # libcamera names formats by the order in a little-endian word: its BGR888 is R, G, B in memory.
        wanted = self._camera.create_video_configuration(
            main={"size": size, "format": "BGR888"}, controls=controls
        )
        self._camera.configure(wanted)
        self._camera.start()
        got = self._camera.camera_configuration()["main"]
        self.given = f"{got['size'][0]}x{got['size'][1]}, {got['format']}, picamera2"

    def read(self) -> Raw | None:
        """See `Device.read`."""
        pixels: NDArray[np.uint8] = self._camera.capture_array("main")
        return pixels

    def to_rgb(self, raw: Raw) -> Image:
        """See `Device.to_rgb`."""
        return np.ascontiguousarray(raw, np.uint8)

    def close(self) -> None:
        """See `Device.close`: libcamera has to be stopped first."""
        self._camera.stop()
        self._camera.close()
