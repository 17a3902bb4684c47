"""What a capture process is asked to open, and the interface of the devices that it opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import CLOSED, Image

NETWORK_SECONDS = 10.0
"""Longest time that a network device waits for an answer."""

Raw = NDArray[np.uint8] | bytes
"""An image as the device gives it: pixels, or an encoded JPEG."""


class DeviceKind(StrEnum):
    """How a device is opened."""

    CAMERA = "camera"
    PICAMERA2 = "picamera2"
    VIDEO = "video"
    URL = "url"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class DeviceRequest:
    """The device to open, and the settings to request; a camera may give others.

    Attributes:
        kind: how it is opened.
        address: a device path, a number, a file, or a URL.
        width: in pixels.
        height: in pixels.
        frame_rate: frames a second.
        pixel_format: four characters as in V4L2, such as MJPG or YUYV.
        live: keep only the newest frame; else every frame, in order.
        skip_repeated: a frame that is identical to the previous one is not a new frame.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    kind: DeviceKind
    address: str
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    pixel_format: str | None = None
    live: bool = True
    skip_repeated: bool = True

    @property
    def name(self) -> str:
        """How messages and frames call it; without the password that a URL may contain."""
        if self.kind is DeviceKind.CAMERA:
            return f"camera:{self.address}"
        if self.kind is DeviceKind.URL:
            return without_password(self.address)
        return self.address


class Device(Protocol):
    """An open camera, file or stream.

    Attributes:
        given: the settings that it really has, for people.
    """

    given: str

    def read(self) -> Raw | None:
        """Wait for the next image; None at the end.

        Raises:
            SourceError: the device failed.
        """
        ...

    def to_rgb(self, raw: Raw) -> Image:
        """Convert an image that `read` returned to uint8 RGB.

        Raises:
            ImageError: it is damaged.
        """
        ...

    def close(self) -> None:
        """Release the device; may be called while `read` waits."""
        ...


def without_password(url: str) -> str:
    """A URL without user and password, also where the password has characters that it must not have."""
    scheme, separator, rest = url.partition("://")
    # A password with an unencoded / or # reaches beyond what a parser takes for the host.
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url
