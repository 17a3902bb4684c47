"""Network cameras that send one JPEG after the other over HTTP, and videos over HTTP."""

import http.client
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
    response.close()
    if kind.startswith(("text/", "image/")):
        raise SourceError(f"it sends {kind}; a multipart stream of JPEGs or a video is expected")
    return OpenCvDevice(request)


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(CHUNK_BYTES):
        yield chunk
