"""Import OpenCV on first use, with limits and without its log."""

import os
from functools import cache
from types import ModuleType

from edge_runtime.core import MissingLibraryError

MAX_PIXELS = 128 * 1024**2


@cache
def opencv() -> ModuleType:
    """The module cv2, imported on first use: silent, and refusing decompression bombs before decoding.

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
