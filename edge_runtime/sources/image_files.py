"""Frames from image files: one file, a folder, a folder that new files are written to. None is dropped."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge_runtime.core import (
    DecodeHint,
    Frame,
    Image,
    ImageError,
    Say,
    SourceError,
    clock,
    full_size,
    group_size,
    in_groups,
    is_there,
    map_in_order,
)
from edge_runtime.images import list_images, read_image
from edge_runtime.sources.base import Events, SourceBase, new_frame, pause

Item = TypeVar("Item")

LOOK_EVERY = 0.25
"""Seconds between two looks into a watched folder."""

MAX_LOOK_FRACTION = 0.03
"""Largest fraction of the time that looking for new images may take."""

INCOMPLETE_SECONDS = 30.0
"""Seconds after which an image that cannot be read is damaged, and not just still being written."""


class ImageSource(SourceBase):
    """One image file.

    Args:
        path: of the image.
        hint: how many pixels of each side the model needs; large JPEGs are decoded at reduced scale.
    """

    def __init__(self, path: Path, *, hint: DecodeHint = full_size) -> None:
        super().__init__(str(path))
        self._path = path
        self._hint = hint

    def events(self) -> Events:
        """See `Source.events`."""
        yield new_frame(read_image(self._path, at_least=self._hint()), 0, self.name)


class FolderSource(SourceBase):
    """Every image below a folder, in natural order; unreadable ones are reported and skipped.

    Args:
        folder: searched with all its subfolders.
        say: shows a line for each image that cannot be read.
        hint: as for `ImageSource`.
        ahead: how many groups of images are decoded in advance, by as many threads.

    Attributes:
        paths: of the images; the number of a frame is the position of its file.
    """

    def __init__(self, folder: Path, *, say: Say, hint: DecodeHint = full_size, ahead: int = 2) -> None:
        super().__init__(str(folder))
        self._say = say
        self._hint = hint
        self._ahead = ahead
        self.paths = tuple(list_images(folder))
        self._group = 1

    @property
    def total(self) -> int:
        """See `Source.total`."""
        return len(self.paths)

    def events(self) -> Events:
        """See `Source.events`."""
        return self.readable(self._frames())

    def readable(self, outcomes: Iterable[Item | ImageError]) -> Iterator[Item]:
        """What was made of the images that can be read; of each other one a line is shown.

        Args:
            outcomes: of all images of the folder; None passes through.

        Raises:
            SourceError: none can be read.
        """
        found = False
        for outcome in outcomes:
            if isinstance(outcome, ImageError):
                self._say(f"skipped: {outcome}")
                continue
            found = found or outcome is not None
            yield outcome
        if not found:
            raise SourceError(f"{self.name}: no image in it that can be read")

    def _frames(self) -> Iterator[Frame | ImageError]:
        groups = in_groups(enumerate(self.paths), lambda: self._group)
        for decoded in map_in_order(self._read_group, groups, threads=self._ahead, ahead=self._ahead):
            for each in decoded.result():
                image = self._image(each)
                if isinstance(image, ImageError):
                    yield image
                    continue
                self._group = group_size(image.nbytes)
                yield new_frame(image, each.index, str(each.path))

    def _image(self, decoded: "_Decoded") -> "Image | ImageError":
        # A model that was swapped in since then may need other pixels.
        needed = self._hint()
        if decoded.at_least != needed:
            return self._read(decoded.index, decoded.path).image
        return decoded.image

    def _read_group(self, numbered: list[tuple[int, Path]]) -> list["_Decoded"]:
        return [self._read(index, path) for index, path in numbered]

    def _read(self, index: int, path: Path) -> "_Decoded":
        at_least = self._hint()
        try:
            return _Decoded(index, path, at_least, read_image(path, at_least=at_least))
        except ImageError as error:
            return _Decoded(index, path, at_least, error)


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """An image file with the hint that it was decoded by, and the image or why it cannot be read."""

    index: int
    path: Path
    at_least: int
    image: "Image | ImageError"


class WatchedFolderSource(SourceBase):
    """Every image that is written to a folder from now on, as soon as it is complete, without end.

    An image that is still being written cannot be decoded yet: it is tried again for `INCOMPLETE_SECONDS`.

    Args:
        folder: watched with all its subfolders.
        say: as for `FolderSource`.
        hint: as for `ImageSource`.
    """

    def __init__(self, folder: Path, *, say: Say, hint: DecodeHint = full_size) -> None:
        super().__init__(str(folder))
        self._folder = folder
        self._say = say
        self._hint = hint

    def events(self) -> Events:
        """See `Source.events`."""
        index = 0
        seen = self._stamps()
        incomplete: dict[Path, float] = {}
        while True:
            started = clock.now()
            found = self._stamps()
            looking = clock.now() - started
            for path, stamp in found.items():
                if seen.get(path) == stamp:
                    continue
                yield None
                image = self._try(path, incomplete)
                if path not in incomplete:
                    seen[path] = stamp
                if image is not None:
                    yield new_frame(image, index, str(path))
                    index += 1
            seen = {path: stamp for path, stamp in seen.items() if path in found}
            # A look at many thousand files takes long: it may only take a small fraction of the time.
            yield from pause(max(LOOK_EVERY, looking / MAX_LOOK_FRACTION))

    def _stamps(self) -> dict[Path, tuple[int, int]]:
        """What changes when an image is written again: cameras often replace one `latest.jpg`."""
        stamps = {}
        for path in list_images(self._folder):
            with contextlib.suppress(OSError):
                status = path.stat()
                stamps[path] = (status.st_mtime_ns, status.st_size)
        return stamps

    def _try(self, path: Path, incomplete: dict[Path, float]) -> "Image | None":
        since = incomplete.setdefault(path, clock.now())
        image = None
        try:
            image = read_image(path, at_least=self._hint())
        except ImageError as error:
            if clock.now() - since < INCOMPLETE_SECONDS and is_there(path):
                return None
            self._say(f"skipped: {error}")
        del incomplete[path]
        return image
