"""Pictures in files: one, a folder of them, a folder that new ones come into. None is ever dropped."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from edge_runtime.core import clock
from edge_runtime.core.errors import ImageError, SourceError
from edge_runtime.core.files import is_there
from edge_runtime.core.types import Frame, Image
from edge_runtime.images.codec import list_images, read_image
from edge_runtime.sources.base import DecodeHint, Idle, Say, SourceBase, full_size, new_frame, no_idle

LOOK_EVERY = 0.25
"""Seconds between two looks into a watched folder."""

LOOKING_SHARE = 0.03
"""Largest fraction of a core that looking for new images may take."""

GROWING = 30.0
"""Seconds after which a picture that cannot be read is damaged, and not just still being written."""


class PictureSource(SourceBase):
    """One picture file.

    Args:
        path: of the picture.
        hint: how many pixels of each side the model needs; large JPEGs are decoded at reduced scale.
    """

    def __init__(self, path: Path, *, hint: DecodeHint = full_size) -> None:
        self._path = path
        self._hint = hint

    def __iter__(self) -> Iterator[Frame]:
        yield new_frame(read_image(self._path, at_least=self._hint()), 0, str(self._path))


class FolderSource(SourceBase):
    """Every picture below a folder, in natural order; unreadable ones are named and passed over.

    Args:
        folder: searched with all that is below it.
        say: gets a line for each picture that cannot be read.
        hint: as for `PictureSource`.
        ahead: how many pictures are decoded in advance, by as many threads.
    """

    def __init__(self, folder: Path, *, say: Say, hint: DecodeHint = full_size, ahead: int = 2) -> None:
        self._say = say
        self._hint = hint
        self._ahead = ahead
        self._folder = folder
        self._paths = tuple(list_images(folder))

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for path, needed, image in self._decoded():
            try:
                # A model that was swapped in meanwhile may need other pixels.
                current = self._hint()
                pixels = image.result() if current == needed else read_image(path, at_least=current)
                yield new_frame(pixels, index, str(path))
                index += 1
            except ImageError as error:
                self._say(f"passed over: {error}")
        if not index:
            raise SourceError(f"{self._folder}: no picture in it that can be read")

    def _decoded(self) -> Iterator[tuple[Path, int, "Future[Image]"]]:
        """Each path, the hint that its image is decoded by, and the image."""
        pending: deque[tuple[Path, int, Future[Image]]] = deque()
        with ThreadPoolExecutor(self._ahead) as threads:
            try:
                for path in self._paths:
                    needed = self._hint()
                    pending.append((path, needed, threads.submit(read_image, path, at_least=needed)))
                    if len(pending) > self._ahead:
                        yield pending.popleft()
                while pending:
                    yield pending.popleft()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)


class WatchedFolderSource(SourceBase):
    """Every picture that comes into a folder, in the order in which it is there whole, without end.

    A picture that is still being written cannot be decoded yet: it is tried again for `GROWING` seconds.

    Args:
        folder: watched with all that is below it.
        say: as for `FolderSource`.
        hint: as for `PictureSource`.
        idle: called while there is nothing new.
    """

    def __init__(self, folder: Path, *, say: Say, hint: DecodeHint = full_size, idle: Idle = no_idle) -> None:
        self._folder = folder
        self._say = say
        self._hint = hint
        self._idle = idle

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        seen = self._stamps()
        waiting: dict[Path, float] = {}
        while True:
            started = clock.now()
            found = self._stamps()
            looking = clock.now() - started
            for path, stamp in found.items():
                if seen.get(path) == stamp:
                    continue
                self._idle()
                image = self._try(path, waiting)
                if path not in waiting:
                    seen[path] = stamp
                if image is not None:
                    yield new_frame(image, index, str(path))
                    index += 1
            seen = {path: stamp for path, stamp in seen.items() if path in found}
            # A look at many thousand files takes long: never more than a small part of the time.
            self._wait(max(LOOK_EVERY, looking / LOOKING_SHARE))

    def _wait(self, seconds: float) -> None:
        until = clock.now() + seconds
        while (left := until - clock.now()) > 0:
            self._idle()
            time.sleep(min(left, LOOK_EVERY))

    def _stamps(self) -> dict[Path, tuple[int, int]]:
        """What changes when a picture is written anew: cameras like to replace one `latest.jpg`."""
        stamps = {}
        for path in list_images(self._folder):
            with contextlib.suppress(OSError):
                status = path.stat()
                stamps[path] = (status.st_mtime_ns, status.st_size)
        return stamps

    def _try(self, path: Path, waiting: dict[Path, float]) -> Image | None:
        since = waiting.setdefault(path, clock.now())
        image = None
        try:
            image = read_image(path, at_least=self._hint())
        except ImageError as error:
            if clock.now() - since < GROWING and is_there(path):
                return None
            self._say(f"passed over: {error}")
        del waiting[path]
        return image
