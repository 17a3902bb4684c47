"""A stream of JPEGs: on stdin, or as an IP camera sends them (`multipart/x-mixed-replace`)."""

import os
from collections.abc import Iterable, Iterator

from edge_runtime.core.errors import ImageError, SourceError
from edge_runtime.core.types import Frame
from edge_runtime.images.codec import decode_image
from edge_runtime.sources.base import (
    DecodeHint,
    Idle,
    Say,
    SourceBase,
    full_size,
    new_frame,
    no_idle,
    wait_readable,
)

MAX_JPEG_BYTES = 32 * 1024**2
CHUNK_BYTES = 256 * 1024

_START = b"\xff\xd8\xff"
_IMAGE_START = 0xD8
_END = 0xD9
# TEM and RST0 to RST7 have no length.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class JpegSplitter:
    """Cuts a stream of bytes into JPEGs (ITU-T T.81, annex B), whatever stands between them.

    The segments are followed by their lengths, so that a thumbnail inside a picture does not end it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._position = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Add bytes; get the JPEGs that are whole now.

        Raises:
            ImageError: a picture has more than `MAX_JPEG_BYTES`.
        """
        self._rest += chunk
        while (picture := self._cut()) is not None:
            yield picture
        if len(self._rest) > MAX_JPEG_BYTES:
            raise ImageError(f"more than {MAX_JPEG_BYTES // 1024**2} MiB without the end of a JPEG")

    @property
    def unfinished(self) -> bool:
        """Whether the stream stops within a picture."""
        return bool(self._position)

    def _cut(self) -> bytes | None:
        while self._position or self._find_start():
            end = self._next_marker()
            if end is None:
                return None
            kind = self._rest[end - 1]
            if kind == _END:
                picture = bytes(self._rest[:end])
                self._restart(end)
                return picture
            if kind == _IMAGE_START:
                # Another picture starts: the sender gave the last one up.
                self._restart(end - 2)
            elif not self._skip_segment(end):
                return None
        return None

    def _find_start(self) -> bool:
        start = self._rest.find(_START)
        if start < 0:
            del self._rest[: max(0, len(self._rest) - len(_START) + 1)]
            return False
        del self._rest[:start]
        self._position = 2
        return True

    def _restart(self, at: int) -> None:
        del self._rest[:at]
        self._position = 0

    def _next_marker(self) -> int | None:
        """The position after the next marker that has a segment or ends the picture; None: not there yet."""
        at = self._position
        while (at := self._rest.find(0xFF, at)) >= 0 and at + 1 < len(self._rest):
            kind = self._rest[at + 1]
            if kind == 0xFF:
                at += 1
            elif kind == 0 or kind in _ALONE:
                at += 2
            else:
                return at + 2
            self._position = at
        self._position = at if at >= 0 else len(self._rest)
        return None

    def _skip_segment(self, after_marker: int) -> bool:
        length = int.from_bytes(self._rest[after_marker : after_marker + 2])
        end = after_marker + max(length, 2)
        if len(self._rest) < end:
            self._position = after_marker - 2
            return False
        self._position = end
        return True


def split_jpegs(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The JPEGs in a stream of bytes; one that is cut short at the end is left out."""
    splitter = JpegSplitter()
    for chunk in chunks:
        yield from splitter.feed(chunk)


class StreamSource(SourceBase):
    """JPEGs one after the other out of a descriptor, as `ffmpeg -f image2pipe -c mjpeg -` writes them.

    None is dropped: whoever writes waits. Damaged ones are named and passed over.

    Args:
        descriptor: to read from.
        name: what messages and frames call it.
        say: gets a line for each picture that cannot be decoded.
        hint: how many pixels of each side the model needs.
        idle: called while nothing comes.
    """

    def __init__(
        self, descriptor: int, name: str, *, say: Say, hint: DecodeHint = full_size, idle: Idle = no_idle
    ) -> None:
        self._descriptor = descriptor
        self._name = name
        self._say = say
        self._hint = hint
        self._idle = idle

    def __iter__(self) -> Iterator[Frame]:
        splitter = JpegSplitter()
        index = 0
        for chunk in self._chunks():
            for content in splitter.feed(chunk):
                try:
                    image = decode_image(content, name=f"{self._name} {index}", at_least=self._hint())
                except ImageError as error:
                    self._say(f"passed over: {error}")
                    continue
                yield new_frame(image, index, self._name)
                index += 1
        if splitter.unfinished:
            self._say(f"{self._name}: the last picture is cut short, it is left out")
        if not index:
            raise SourceError(f"{self._name}: no JPEG in it; a stream of JPEGs is expected")

    def _chunks(self) -> Iterator[bytes]:
        while True:
            try:
                ready = wait_readable(self._descriptor, 0.5)
                chunk = os.read(self._descriptor, CHUNK_BYTES) if ready else b""
            except OSError as error:
                raise SourceError(f"{self._name}: cannot be read: {error.strerror or error}") from error
            self._idle()
            if ready and not chunk:
                return
            yield chunk
