"""The one decoder of the toolkit, and its encoders."""

import os
import struct
from types import ModuleType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ImageError, Size, read_file
from edge_runtime.images.opencv import MAX_PIXELS, opencv

MAX_FILE_BYTES = 256 * 1024**2
_NOT_AN_IMAGE = "not an image, or damaged or truncated"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_image(path: str | os.PathLike[str], *, at_least: int) -> Image:
    """Read an image file.

    Args:
        path: any format that OpenCV decodes; EXIF orientation is applied.
        at_least: how many pixels each side must keep: `classifier.at_least` for the same pixels as training
            and `edge-classify`, 0 for the full size; see `decode_image`.

    Returns:
        uint8 RGB, shape (height, width, 3); grey, 16-bit, CMYK and transparent images are converted, of an
        animation the first image is taken.

    Raises:
        ImageError: missing, empty, damaged, too large or not an image.
    """
    content = read_file(path, max_bytes=MAX_FILE_BYTES, error=ImageError)
    return decode_image(content, name=os.fspath(path), at_least=at_least)


def decode_image(content: bytes, *, at_least: int, name: str = "image") -> Image:
    """Decode an encoded image.

    Args:
        content: the bytes of a JPEG, PNG, … file.
        at_least: a JPEG is decoded at a half, a quarter or an eighth of its size, which is several times
            faster, as long as both sides keep this many pixels; 0 for always its full size.
        name: how messages call the image.

    Returns:
        uint8 RGB, shape (height, width, 3).

    Raises:
        ImageError: empty, damaged, too large or not an image.
    """
    if not content:
        raise ImageError(f"{name}: the file is empty")
    if not _chunks_are_complete(content):
        raise ImageError(f"{name}: {_NOT_AN_IMAGE}")
    cv2 = opencv()
    try:
        image = _decode_rgb(cv2, np.frombuffer(content, np.uint8), _scale_flag(cv2, content, at_least))
    except cv2.error as error:
        raise ImageError(f"{name}: more than {MAX_PIXELS} pixels, or damaged ({error.err})") from error
    if image is None:
        raise ImageError(f"{name}: {_NOT_AN_IMAGE}")
    return image


def encode_png(image: Image) -> bytes:
    """Encode an image (uint8 RGB, shape (height, width, 3)) as PNG, without loss."""
    cv2 = opencv()
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


def encode_jpeg(image: Image, quality: int = 85) -> bytes:
    """Encode an image (uint8 RGB, shape (height, width, 3)) as JPEG; quality in [0, 100]."""
    cv2 = opencv()
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1])


def bgr_to_rgb(image: Image) -> Image:
    """Convert OpenCV's channel order to RGB."""
    cv2 = opencv()
    return cast(Image, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def to_grey(image: Image) -> NDArray[np.uint8]:
    """The brightness of an RGB image (ITU-R BT.601), uint8, shape (height, width, 1)."""
    cv2 = opencv()
    return cast("NDArray[np.uint8]", cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, np.newaxis])


def jpeg_size(content: bytes) -> Size:
    """Height and width in pixels from a JPEG's frame header; (0, 0) where there is none.

    Source: ITU-T T.81, B.2.2.
    """
    position = 2 if content.startswith(b"\xff\xd8") else len(content)
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, position + 5)
            return height, width
        # A fill byte stands alone, every other segment before the frame header gives its length.
        position += 1 if marker == 0xFF else 2 + int.from_bytes(content[position + 2 : position + 4])
    return 0, 0


def _chunks_are_complete(content: bytes) -> bool:
    """Whether every chunk of a PNG lies within the file: a decoder allocates what a chunk claims."""
    if not content.startswith(_PNG_SIGNATURE):
        return True
    position = len(_PNG_SIGNATURE)
    # Length, type, data and checksum (PNG specification, 5.3); what follows the last chunk is not read.
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        position += 12 + length
        if kind == b"IEND":
            break
    return position <= len(content)


def _decode_rgb(cv2: ModuleType, content: NDArray[np.uint8], scale: int) -> "Image | None":
    # The decoder itself can give RGB since OpenCV 4.11, which saves one pass over the pixels.
    if hasattr(cv2, "IMREAD_COLOR_RGB"):
        return cast("Image | None", cv2.imdecode(content, scale | cv2.IMREAD_COLOR_RGB))
    bgr = cv2.imdecode(content, scale | cv2.IMREAD_COLOR)
    return None if bgr is None else bgr_to_rgb(bgr)


def _scale_flag(cv2: ModuleType, content: bytes, at_least: int) -> int:
    # OpenCV has no flag for the scale alone except these: grey only means that no colour is asked for.
    shorter = min(jpeg_size(content)) if at_least else 0
    for scale in (8, 4, 2):
        if shorter // scale >= at_least > 0:
            return int(getattr(cv2, f"IMREAD_REDUCED_GRAYSCALE_{scale}"))
    return 0
