"""The one resize of the toolkit: device, trainer, converter and benchmarks use it."""

from typing import cast

import numpy as np

from edge_runtime.core import Image, ImageError, Resize, Size
from edge_runtime.images.opencv import opencv


def fit(image: Image, size: Size, mode: Resize = Resize.SQUASH) -> Image:
    """Resize an image to a model's input.

    Args:
        image: uint8 RGB, shape (height, width, 3).
        size: (height, width) in pixels.
        mode: see `Resize`.

    Returns:
        uint8 RGB, shape (*size, 3).

    Raises:
        ImageError: the image has no pixels or is not uint8 RGB.
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


def shrink(image: Image, longest: int) -> Image:
    """An image whose longer side has at most so many pixels, with the same aspect ratio.

    Args:
        image: uint8 RGB, shape (height, width, 3).
        longest: pixels of the longer side.
    """
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return fit(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def pixels_needed(size: Size, mode: Resize) -> int:
    """How many pixels each side of an image must keep when it is decoded for `fit`; 0 for the full size.

    Args:
        size: (height, width) of the model's input.
        mode: how it is resized; interpolation without averaging depends on every pixel of the file.
    """
    return 0 if mode is Resize.MEDIAPIPE else max(size)


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


def _scale_as_mediapipe(image: Image, size: Size) -> Image:
    """Bilinear interpolation between the four nearest pixels, with the upper left corners aligned.

    That is `cv::warpPerspective` as in MediaPipe's image_to_tensor_converter_opencv.cc; large images alias.
    """
    cv2 = opencv()
    scale = np.diag([size[1] / image.shape[1], size[0] / image.shape[0], 1.0])
    width_first = (size[1], size[0])
    return cast(
        Image,
        cv2.warpPerspective(
            image, scale, width_first, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
    )


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
