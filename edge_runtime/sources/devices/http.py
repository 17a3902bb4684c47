"""Network cameras that send one JPEG after the other over HTTP, and videos over HTTP."""

import http
import http.client
import io
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from edge_runtime.core import Image, ImageError, SourceError
from edge_runtime.images import decode_image, jpeg_size
from edge_runtime.sources.devices.opencv import OpenCvDevice
from edge_runtime.sources.devices.request import NETWORK_SECONDS, Device, DeviceRequest, Raw, without_password
from edge_runtime.sources.jpeg_splitter import CHUNK_BYTES, split_jpegs

MAX_FRAME_PIXELS = 128 * 1024**2 // 3
"""What fits into the memory shared with the capture process: 8K and more."""


class JpegDevice:
    """An endless HTTP response: one JPEG after the other."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.given = "a stream of JPEGs over HTTP"
        self._images = split_jpegs(_chunks(response))

    def read(self) -> Raw | None:
        """See `Device.read`."""
        try:
            return next(self._images, None)
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"the stream broke off ({error})") from error

    def to_rgb(self, raw: Raw) -> Image:
        """See `Device.to_rgb`."""
        content = bytes(raw)
        height, width = jpeg_size(content)
        if height * width > MAX_FRAME_PIXELS:
            raise ImageError(f"a frame of {width}x{height}: more than {MAX_FRAME_PIXELS} pixels")
        return decode_image(content, name="frame", at_least=0)

    def close(self) -> None:
        """See `Device.close`."""


_NOWHERE = -1
"""A position that no read begins at."""


class HttpFile(io.BufferedIOBase):
    """An HTTP response as a file for OpenCV: read in order, and by further requests for ranges out of order.

    An error ends the file: OpenCV crashes where Python raises an exception.

    Args:
        opener: sends requests, with the password.
        url: without the password.
        response: to the first request.
    """

    def __init__(
        self, opener: urllib.request.OpenerDirector, url: str, response: http.client.HTTPResponse
    ) -> None:
        self._opener = opener
        self._url = url
        self._response = response
        self._size = response.length
        self._ranges = response.headers.get("Accept-Ranges") == "bytes" and self._size is not None
        self._received = self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Whether the server sends parts of the file."""
        return self._ranges

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position of the next `read`; -1 where the server sends the whole file only."""
        if not self._ranges:
            return -1
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size or 0}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes as soon as there are any; none at the end or after an error."""
        try:
            if self._position != self._received and not self._request_rest():
                return b""
            content = self._response.read1(-1 if size is None else size)
        except (OSError, http.client.HTTPException, ValueError):
            return b""
        self._received += len(content)
        self._position = self._received
        return content

    def _request_rest(self) -> bool:
        """Ask for what begins at the position; False where the server gives something else."""
        if not self._ranges:
            return False
        self._response.close()
        rest = urllib.request.Request(self._url, headers={"Range": f"bytes={self._position}-"})  # noqa: S310 - http
        self._response = self._opener.open(rest, timeout=NETWORK_SECONDS)
        # What comes with another status is not of this position, and neither is what follows it.
        self._ranges = self._response.status == http.HTTPStatus.PARTIAL_CONTENT
        self._received = self._position if self._ranges else _NOWHERE
        return self._ranges


def open_http(request: DeviceRequest) -> Device:
    """Open an HTTP address: an endless sequence of JPEGs, or a video that FFmpeg reads.

    Raises:
        SourceError: no answer, or an error.
    """
    parts = urlsplit(request.address)
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    plain = without_password(request.address)
    if parts.username:
        user, password = unquote(parts.username), unquote(parts.password or "")
        passwords.add_password(None, plain, user, password, is_authenticated=True)
    opener = urllib.request.build_opener(
        urllib.request.HTTPBasicAuthHandler(passwords), urllib.request.HTTPDigestAuthHandler(passwords)
    )
    try:
        response = opener.open(plain, timeout=NETWORK_SECONDS)
    except urllib.error.HTTPError as error:
        raise SourceError(f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceError(f"no answer ({getattr(error, 'reason', None) or error})") from error
    kind = response.headers.get_content_type()
    if kind.startswith("multipart/"):
        return JpegDevice(response)
    if kind.startswith(("text/", "image/")):
        response.close()
        raise SourceError(f"it sends {kind}; a multipart stream of JPEGs or a video is expected")
    return OpenCvDevice(request, HttpFile(opener, plain, response))


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(CHUNK_BYTES):
        yield chunk
