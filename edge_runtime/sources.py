"""Where frames come from: a picture file, a folder, a video file, a camera, a built-in moving pattern.

Every source is a context manager and an iterator of frames.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from edge_runtime import clock
from edge_runtime.errors import CameraError, ImageError, SourceError
from edge_runtime.images import bgr_to_rgb, is_image_name, list_images, opencv, read_image
from edge_runtime.values import Frame, Image, Size


class Source(Protocol):
    """Gives frames, and lets go of its camera or file when it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...


Warn = Callable[[str], None]


def open_input(name: str, *, warn: Warn, at_least: int = 0) -> Source:
    """The source for `--input`: a picture, a folder of pictures, a video file, or `synthetic`.

    Args:
        name: a path, or `synthetic`.
        warn: gets one line for each picture of a folder that cannot be read.
        at_least: how many pixels of each side the model needs; large JPEGs are decoded at reduced scale.

    Raises:
        SourceError: nothing is there, or a folder holds no picture.
    """
    if name == "synthetic":
        return SyntheticSource()
    path = Path(name)
    if path.is_dir():
        return FolderSource(path, warn=warn, at_least=at_least)
    if not path.exists():
        raise SourceError(f"{name}: no such file or folder; give a picture, a folder of pictures or a video")
    if is_image_name(path):
        return PictureSource(path, at_least=at_least)
    return VideoSource(path)


class _Base:
    """A source that has nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what the source holds."""


class PictureSource(_Base):
    """One picture file."""

    def __init__(self, path: Path, *, at_least: int = 0) -> None:
        self._path = path
        self._at_least = at_least

    def __iter__(self) -> Iterator[Frame]:
        yield _frame(read_image(self._path, at_least=self._at_least), 0, str(self._path))


class FolderSource(_Base):
    """Every picture below a folder, in natural order; unreadable ones are named and passed over."""

    def __init__(self, folder: Path, *, warn: Warn, at_least: int = 0) -> None:
        self._folder = folder
        self._warn = warn
        self._at_least = at_least

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for path in list_images(self._folder):
            try:
                image = read_image(path, at_least=self._at_least)
            except ImageError as error:
                self._warn(f"passed over: {error}")
                continue
            yield _frame(image, index, str(path))
            index += 1
        if not index:
            raise SourceError(f"{self._folder}: no picture in it that can be read")


class SyntheticSource(_Base):
    """A moving pattern, without end: for trying out where there is no camera."""

    def __init__(self, size: Size = (480, 640)) -> None:
        self._size = size

    def __iter__(self) -> Iterator[Frame]:
        height, width = self._size
        rows, columns = np.mgrid[0:height, 0:width]
        index = 0
        while True:
            shift = 4 * index
            channels = (rows + shift, columns - shift, rows + columns + 2 * shift)
            yield _frame(np.stack(channels, axis=-1).astype(np.uint8), index, "synthetic")
            index += 1


class _CaptureSource(_Base):
    """What video files and cameras share: OpenCV's VideoCapture."""

    def __init__(self, capture: Any, name: str) -> None:
        self._capture = capture
        self._name = name

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            given, bgr = self._capture.read()
            if not given or bgr is None:
                break
            yield _frame(bgr_to_rgb(bgr), index, self._name)
            index += 1
        self._ended(index)

    def close(self) -> None:
        """Let go of the device or the file."""
        self._capture.release()

    def _ended(self, frames: int) -> None:
        raise NotImplementedError


class VideoSource(_CaptureSource):
    """Every frame of a video file.

    Raises:
        SourceError: OpenCV can open it neither as a picture nor as a video.
    """

    def __init__(self, path: Path) -> None:
        capture = opencv().VideoCapture(str(path))
        if not capture.isOpened():
            raise SourceError(f"{path}: neither a picture nor a video that OpenCV can open")
        super().__init__(capture, str(path))

    def _ended(self, frames: int) -> None:
        if not frames:
            raise SourceError(f"{self._name}: no frame in it that can be decoded")


class CameraSource(_CaptureSource):
    """A camera by its index.

    Raises:
        CameraError: it cannot be opened.
    """

    def __init__(self, index: int) -> None:
        capture = opencv().VideoCapture(index)
        if not capture.isOpened():
            raise CameraError(f"camera {index} cannot be opened: {_camera_advice(index)}")
        # Keep the driver's queue short: an old frame is worth less than none.
        with contextlib.suppress(opencv().error):
            capture.set(opencv().CAP_PROP_BUFFERSIZE, 1)
        super().__init__(capture, f"camera:{index}")

    def _ended(self, frames: int) -> None:
        raise CameraError(f"{self._name} gave no more frames after {frames}: is it still plugged in?")


def _camera_advice(index: int) -> str:
    found = sorted(str(path) for path in Path("/dev").glob("video*"))
    if not found:
        return "there is no /dev/video*; plug a camera in, or try --input PICTURE, FOLDER, VIDEO or synthetic"
    if f"/dev/video{index}" in found:
        return f"is /dev/video{index} in use, or are you not in the group `video`?"
    return f"there are {', '.join(found)}; try one of their numbers"


def _frame(image: Image, index: int, source: str) -> Frame:
    return Frame(image, index, clock.now(), clock.wall_time(), source)
