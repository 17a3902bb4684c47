"""What a capture child can open: V4L2 cameras, picamera2, video files, network streams, a pattern.

A device may block, crash or never return: that is why it lives in a process that can be killed.
"""

import os
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core.errors import SourceError
from edge_runtime.core.types import Image
from edge_runtime.images.codec import bgr_to_rgb, opencv
from edge_runtime.sources.synthetic import moving_pattern

NETWORK_SECONDS = 10.0

# FFmpeg's demuxers for files that hold the video themselves: not hls, dash or concat, which name other files.
_CONTAINERS = (
    "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,h264,hevc,m4v,mjpeg,mpjpeg,yuv4mpegpipe,ivf,mxf"
)


class DeviceKind(StrEnum):
    """How a device is opened."""

    CAMERA = "camera"
    PICAMERA2 = "picamera2"
    VIDEO = "video"
    URL = "url"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class DeviceRequest:
    """What to open, and what to ask of it. A camera gives what it can, not always what is asked.

    Attributes:
        kind: how it is opened.
        address: a device path, a number, a file, or a URL.
        width: in pixels.
        height: in pixels.
        frame_rate: frames a second.
        pixel_format: four characters as V4L2 has them, such as MJPG or YUYV.
        live: keep only the newest frame; else every frame, in order.
        skip_repeated: a picture that is the same as the one before is no new frame.
    """

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
        """What messages and frames call it; without the password that a URL may hold."""
        if self.kind is DeviceKind.CAMERA:
            return f"camera:{self.address}"
        if self.kind is DeviceKind.URL:
            return without_password(self.address)
        return self.address

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """The opposite of `to_dict`."""
        return cls(**(fields | {"kind": DeviceKind(fields["kind"])}))


Raw = NDArray[np.uint8] | bytes
"""A picture as the device gives it: pixels, or an encoded JPEG."""


class Device(Protocol):
    """An open camera, file or stream.

    Attributes:
        given: what it really gives, for people.
    """

    given: str

    def read(self) -> Raw | None:
        """The next picture; blocks until it is there; None at the end.

        Raises:
            SourceError: it is broken.
        """
        ...

    def to_rgb(self, raw: Raw) -> Image:
        """A picture that `read` gave, as uint8 RGB.

        Raises:
            ImageError: it is damaged.
        """
        ...

    def close(self) -> None:
        """Give the camera back; may be called while `read` waits."""
        ...


def open_device(request: DeviceRequest) -> Device:
    """Open what is asked for.

    Raises:
        SourceError: it cannot be opened.
    """
    if request.kind is DeviceKind.SYNTHETIC:
        return PatternDevice(request)
    if request.kind is DeviceKind.PICAMERA2:
        return PiCameraDevice(request)
    if request.kind is DeviceKind.URL and urlsplit(request.address).scheme in ("http", "https"):
        from edge_runtime.sources.devices.http import open_http

        return open_http(request)
    return OpenCvDevice(request)


def without_password(url: str) -> str:
    """A URL without user and password, also where the password holds signs that it must not."""
    scheme, separator, rest = url.partition("://")
    # A password with an unencoded / or # reaches past what a parser takes for the host.
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url


class PatternDevice:
    """A moving pattern, for trials and tests."""

    def __init__(self, request: DeviceRequest) -> None:
        size = (request.height or 480, request.width or 640)
        self.given = f"a moving pattern of {size[1]}x{size[0]}"
        self._pictures = moving_pattern(size)

    def read(self) -> Raw | None:
        """See `Device.read`."""
        return next(self._pictures)

    def to_rgb(self, raw: Raw) -> Image:
        """See `Device.to_rgb`."""
        return np.asarray(raw, np.uint8)

    def close(self) -> None:
        """See `Device.close`."""


class OpenCvDevice:
    """A camera through V4L2, a video file or a network stream through FFmpeg."""

    def __init__(self, request: DeviceRequest) -> None:
        cv2 = opencv()
        camera = request.kind is DeviceKind.CAMERA
        if not camera:
            # Read when a capture is opened. A playlist from a stranger may name other files and hosts.
            os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _ffmpeg_options(request)
        backend = cv2.CAP_V4L2 if camera else cv2.CAP_FFMPEG
        address: str | int = request.address
        if camera and request.address.isdecimal():
            address = int(request.address)
        self._capture = cv2.VideoCapture(address, backend)
        if not self._capture.isOpened():
            video = request.kind is DeviceKind.VIDEO
            raise SourceError(
                "neither a picture nor a video that can be opened" if video else "it cannot be opened"
            )
        if camera:
            self._ask(request)
        self.given = self._describe()

    def read(self) -> Raw | None:
        """See `Device.read`."""
        given, bgr = self._capture.read()
        return bgr if given else None

    def to_rgb(self, raw: Raw) -> Image:
        """See `Device.to_rgb`."""
        return bgr_to_rgb(np.asarray(raw, np.uint8))

    def close(self) -> None:
        """See `Device.close`; the end of the process does it, while another thread may still read."""

    def _ask(self, request: DeviceRequest) -> None:
        cv2 = opencv()
        # The format decides which sizes and rates there are, so it comes first.
        if request.pixel_format:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*request.pixel_format))
        for wanted, property_ in (
            (request.width, cv2.CAP_PROP_FRAME_WIDTH),
            (request.height, cv2.CAP_PROP_FRAME_HEIGHT),
            (request.frame_rate, cv2.CAP_PROP_FPS),
            # Keep the driver's queue short: an old frame is worth less than none.
            (1, cv2.CAP_PROP_BUFFERSIZE),
        ):
            if wanted is not None:
                self._capture.set(property_, wanted)

    def _describe(self) -> str:
        cv2 = opencv()
        width, height, rate, code = (
            self._capture.get(each)
            for each in (
                cv2.CAP_PROP_FRAME_WIDTH,
                cv2.CAP_PROP_FRAME_HEIGHT,
                cv2.CAP_PROP_FPS,
                cv2.CAP_PROP_FOURCC,
            )
        )
        letters = int(code).to_bytes(4, "little", signed=True).decode("ascii", "replace")
        format_ = re.sub(r"[^\w]", "", letters) or "unknown format"
        return f"{width:.0f}x{height:.0f} at {rate:.3g} fps, {format_}, {self._capture.getBackendName()}"


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
        """See `Device.close`: libcamera wants to be told."""
        self._camera.stop()
        self._camera.close()


def _ffmpeg_options(request: DeviceRequest) -> str:
    if request.kind is DeviceKind.VIDEO:
        return f"protocol_whitelist;file|format_whitelist;{_CONTAINERS}"
    microseconds = int(NETWORK_SECONDS * 1e6)
    if urlsplit(request.address).scheme.lower() in ("http", "https"):
        # A file that comes over HTTP has to be buffered to be understood; of playlists nothing is followed.
        return f"protocol_whitelist;tcp,tls,http,https|format_whitelist;{_CONTAINERS}|timeout;{microseconds}"
    return (
        f"protocol_whitelist;rtsp,rtsps,rtp,srtp,udp,tcp,tls|rtsp_transport;tcp|timeout;{microseconds}"
        "|fflags;nobuffer"
    )
