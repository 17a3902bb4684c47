"""Cameras through V4L2, video files and network streams through FFmpeg, both inside OpenCV."""

import io
import os
import re
from urllib.parse import urlsplit

import numpy as np

from edge_runtime.core import Image, SourceError
from edge_runtime.images import bgr_to_rgb, opencv
from edge_runtime.sources.devices.request import NETWORK_SECONDS, DeviceKind, DeviceRequest, Raw

# FFmpeg's demuxers for files that hold the video themselves: not hls, dash or concat, which name other files.
_CONTAINERS = (
    "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,h264,hevc,m4v,mjpeg,mpjpeg,yuv4mpegpipe,ivf,mxf"
)


# The first OpenCV whose FFmpeg keeps to a whitelist of containers.
_KEEPS_TO_CONTAINERS = (4, 12)
_SNIFFED_BYTES = 4096
_TEXT = frozenset(range(0x20, 0x100)) | frozenset(b"\t\n\r")


class OpenCvDevice:
    """A camera through V4L2, a video file or a network stream through FFmpeg.

    Args:
        request: what is opened.
        content: of a video over HTTP, which FFmpeg then does not request itself.
    """

    def __init__(self, request: DeviceRequest, content: io.BufferedIOBase | None = None) -> None:
        cv2 = opencv()
        camera = request.kind is DeviceKind.CAMERA
        if not camera:
            _refuse_playlists(request)
            # Read when a capture is opened. A playlist from a stranger may name other files and hosts.
            os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _ffmpeg_options(request)
        backend = cv2.CAP_V4L2 if camera else cv2.CAP_FFMPEG
        address: str | int = request.address
        if camera and request.address.isdecimal():
            address = int(request.address)
        if content is None:
            self._capture = cv2.VideoCapture(address, backend)
        else:
            self._capture = cv2.VideoCapture(content, backend, [])
        if not self._capture.isOpened():
            video = request.kind is DeviceKind.VIDEO
            raise SourceError(
                "neither an image nor a video that can be opened" if video else "it cannot be opened"
            )
        if camera:
            self._configure(request)
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

    def _configure(self, request: DeviceRequest) -> None:
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


def _refuse_playlists(request: DeviceRequest) -> None:
    """Refuse what an OpenCV without a whitelist of containers might follow to other files and hosts.

    Raises:
        SourceError: a video file that is text, or a video over HTTP, whose content may change meanwhile.
    """
    cv2 = opencv()
    if tuple(int(part) for part in cv2.__version__.split(".")[:2]) >= _KEEPS_TO_CONTAINERS:
        return
    if request.kind is DeviceKind.URL and urlsplit(request.address).scheme.lower() in ("http", "https"):
        raise SourceError(f"a video over HTTP needs OpenCV 4.12 or newer, this is {cv2.__version__}")
    if request.kind is DeviceKind.VIDEO:
        try:
            with open(request.address, "rb") as file:  # noqa: PTH123 - the address is what OpenCV opens
                head = file.read(_SNIFFED_BYTES)
        except OSError as error:
            raise SourceError(f"it cannot be opened ({error.strerror})") from error
        # Playlists are text; of the containers only this one may begin like text.
        if _TEXT.issuperset(head) and not head.startswith(b"YUV4MPEG2"):
            raise SourceError("neither an image nor a video that can be opened")


def _ffmpeg_options(request: DeviceRequest) -> str:
    if request.kind is DeviceKind.VIDEO:
        return f"protocol_whitelist;file|format_whitelist;{_CONTAINERS}"
    microseconds = int(NETWORK_SECONDS * 1e6)
    if urlsplit(request.address).scheme.lower() in ("http", "https"):
        # FFmpeg gets the bytes and opens nothing; a data: address names neither a file nor a host.
        return f"protocol_whitelist;data|format_whitelist;{_CONTAINERS}"
    return (
        f"protocol_whitelist;rtsp,rtsps,rtp,srtp,udp,tcp,tls|rtsp_transport;tcp|timeout;{microseconds}"
        "|fflags;nobuffer"
    )
