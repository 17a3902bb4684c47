"""The one decoder and the one resize of the whole tree (trainer, converter and benchmarks use them too)."""

import contextlib
import os
import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core.errors import ImageError, MissingLibraryError
from edge_runtime.core.types import Image, Resize, Size

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
MAX_FILE_BYTES = 256 * 1024**2
MAX_PIXELS = 128 * 1024**2
_NO_IMAGE = "not a picture, or damaged or cut short"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@cache
def opencv() -> ModuleType:
    """OpenCV, imported on first use: quiet, and refusing decompression bombs before it decodes them.

    Raises:
        MissingLibraryError: it cannot be imported; the message names the packages that help.
    """
    # OpenCV reads both once, when it is loaded.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    try:
        import cv2
    except ImportError as error:
        raise MissingLibraryError(
            f"cannot import OpenCV ({error}): `apt install libgl1 libglib2.0-0 libxcb1`, "
            "or replace the package opencv-python with opencv-python-headless"
        ) from error
    return cv2


def read_image(path: str | os.PathLike[str], *, at_least: int) -> Image:
    """Read a picture file.

    Args:
        path: any format that OpenCV decodes; EXIF orientation is applied.
        at_least: how many pixels each side must keep: `classifier.at_least` for the very pixels that training
            and command classify, 0 for the whole image; see `decode_image`.

    Returns:
        uint8 RGB, shape (height, width, 3); grey, 16-bit, CMYK and transparent pictures are converted, of an
        animated one the first picture is taken.

    Raises:
        ImageError: missing, empty, damaged, too large or not a picture.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb", buffering=0) as file:  # noqa: PTH123 - a third of the time of pathlib's
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise ImageError(
                    f"{name}: over {MAX_FILE_BYTES // 1024**2} MiB, more than a picture may have"
                )
            content = file.read()
    except ImageError:
        raise
    except OSError as error:
        raise ImageError(f"{name}: cannot be read: {error.strerror or error}") from error
    return decode_image(content, name=name, at_least=at_least)


def decode_image(content: bytes, *, at_least: int, name: str = "picture") -> Image:
    """Decode an encoded picture.

    Args:
        content: the bytes of a JPEG, PNG, … file.
        name: what messages call it.
        at_least: a JPEG is decoded at a half, a quarter or an eighth of its size, which is several times
            faster, while both sides keep this many pixels; 0 for always its full size.

    Returns:
        uint8 RGB, shape (height, width, 3).

    Raises:
        ImageError: empty, damaged, too large or not a picture.
    """
    if not content:
        raise ImageError(f"{name}: the file is empty")
    if not _chunks_are_whole(content):
        raise ImageError(f"{name}: {_NO_IMAGE}")
    cv2 = opencv()
    try:
        image = _decode_rgb(cv2, np.frombuffer(content, np.uint8), _scale_flag(cv2, content, at_least))
    except cv2.error as error:
        raise ImageError(f"{name}: more than {MAX_PIXELS} pixels, or damaged ({error.err})") from error
    if image is None:
        raise ImageError(f"{name}: {_NO_IMAGE}")
    return image


def _chunks_are_whole(content: bytes) -> bool:
    """Whether every chunk of a PNG lies within the file: a decoder takes as much memory as a chunk claims."""
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


def _decode_rgb(cv2: ModuleType, content: NDArray[np.uint8], scale: int) -> Image | None:
    # The decoder itself can give RGB since OpenCV 4.11, and with it one pass over the pixels less.
    if hasattr(cv2, "IMREAD_COLOR_RGB"):
        return cast(Image | None, cv2.imdecode(content, scale | cv2.IMREAD_COLOR_RGB))
    bgr = cv2.imdecode(content, scale | cv2.IMREAD_COLOR)
    return None if bgr is None else bgr_to_rgb(bgr)


def _scale_flag(cv2: ModuleType, content: bytes, at_least: int) -> int:
    # OpenCV has no flag for the scale alone but these: grey is merely that no colour is asked for.
    shorter = min(jpeg_size(content)) if at_least else 0
    for scale in (8, 4, 2):
        if shorter // scale >= at_least > 0:
            return int(getattr(cv2, f"IMREAD_REDUCED_GRAYSCALE_{scale}"))
    return 0


def jpeg_size(content: bytes) -> Size:
    """Height and width in pixels out of a JPEG's frame header; (0, 0) where there is none.

    Source: ITU-T T.81, B.2.2.
    """
    position = 2 if content.startswith(b"\xff\xd8") else len(content)
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, position + 5)
            return height, width
        # A fill byte stands alone, every other segment before the frame header tells its length.
        position += 1 if marker == 0xFF else 2 + int.from_bytes(content[position + 2 : position + 4])
    return 0, 0


def encode_png(image: Image) -> bytes:
    """Encode a picture (uint8 RGB, shape (height, width, 3)) as PNG, without loss."""
    cv2 = opencv()
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


def encode_jpeg(image: Image, quality: int = 85) -> bytes:
    """Encode a picture (uint8 RGB, shape (height, width, 3)) as JPEG; quality in [0, 100]."""
    cv2 = opencv()
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1])


def bgr_to_rgb(image: Image) -> Image:
    """Turn OpenCV's channel order into the toolkit's."""
    cv2 = opencv()
    return cast(Image, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def fit(image: Image, size: Size, mode: Resize = Resize.SQUASH) -> Image:
    """Resize a picture to a model's input.

    Args:
        image: uint8 RGB, shape (height, width, 3).
        size: (height, width) in pixels.
        mode: see `Resize`.

    Returns:
        uint8 RGB, shape (*size, 3).

    Raises:
        ImageError: the picture has no pixels or is not uint8 RGB.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(f"expected uint8 RGB of shape (height, width, 3), got {image.dtype} {image.shape}")
    if image.shape[:2] == size:
        return image
    if mode is Resize.FIT_SHORTEST:
        return _scale(_center_crop(image, size), size)
    if mode is Resize.FIT_LONGEST:
        return _letterbox(image, size)
    if mode is Resize.MEDIAPIPE:
        return _scale_as_mediapipe(image, size)
    return _scale(image, size)


def pixels_needed(size: Size, mode: Resize) -> int:
    """How many pixels each side of an image must keep when it is decoded for `fit`; 0 for all of them.

    Args:
        size: (height, width) of the model's input.
        mode: how it is resized: interpolation without averaging depends on every pixel of the file.
    """
    return 0 if mode is Resize.MEDIAPIPE else max(size)


def _scale_as_mediapipe(image: Image, size: Size) -> Image:
    """Bilinear interpolation between the four nearest pixels, with the upper left corners on each other.

    That is `cv::warpPerspective` as in MediaPipe's image_to_tensor_converter_opencv.cc; large images alias.
    """
    cv2 = opencv()
    scale = np.diag([size[1] / image.shape[1], size[0] / image.shape[0], 1.0])
    turned = (size[1], size[0])
    return cast(
        Image,
        cv2.warpPerspective(image, scale, turned, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
    )


def _scale(image: Image, size: Size) -> Image:
    """Halve with area averaging while both sides stay large enough, then interpolate.

    Area averaging all the way is several times slower, interpolation alone aliases.
    """
    cv2 = opencv()
    while image.shape[0] >= 2 * size[0] and image.shape[1] >= 2 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    if image.shape[:2] == size:
        return image
    return cast(Image, cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))


def _center_crop(image: Image, size: Size) -> Image:
    height, width = image.shape[:2]
    scale = min(height / size[0], width / size[1])
    crop_height = min(height, max(1, round(size[0] * scale)))
    crop_width = min(width, max(1, round(size[1] * scale)))
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return image[top : top + crop_height, left : left + crop_width]


def _letterbox(image: Image, size: Size) -> Image:
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inner = (min(size[0], max(1, round(height * scale))), min(size[1], max(1, round(width * scale))))
    top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas = np.zeros((*size, 3), np.uint8)
    canvas[top : top + inner[0], left : left + inner[1]] = _scale(image, inner)
    return canvas


def list_images(folder: Path) -> Iterator[Path]:
    """The picture files below a folder, in natural order; hidden ones are left out."""
    return (folder / name for name in list_files(folder) if is_image_name(name))


def list_files(folder: Path) -> list[str]:
    """The names of all files below a folder, as seen from it, in natural order.

    Hidden ones are left out, links to folders are not followed, folders that may not be read count as empty.
    """
    names: list[str] = []
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(f"{folder}/{inside}") as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inside}{entry.name}/")
                elif _is_file(entry):
                    names.append(f"{inside}{entry.name}")
    return sorted(names, key=natural_key)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a file, or a link that leads nowhere: whoever reads it says so."""
    try:
        return entry.is_file() or (entry.is_symlink() and not entry.is_dir())
    except OSError:  # a link to itself
        return True


def is_image_name(name: str | Path) -> bool:
    """Whether a file's name ends like a picture's."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - many names, one by one


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts 2 before 10."""
    pieces = (piece for piece in re.split(r"(\d+)", text) if piece)
    return tuple((0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in pieces)
