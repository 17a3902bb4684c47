"""Split a stream of bytes into JPEGs."""

from collections.abc import Iterable, Iterator

from edge_runtime.core import ImageError

MAX_JPEG_BYTES = 32 * 1024**2
CHUNK_BYTES = 256 * 1024

_START = b"\xff\xd8\xff"
_IMAGE_START = 0xD8
_END = 0xD9
# TEM and RST0 to RST7 have no length.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class JpegSplitter:
    """Splits a stream of bytes into JPEGs (ITU-T T.81, annex B), whatever is between them.

    Segments are skipped by their lengths, so that a thumbnail inside an image does not end it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._position = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Add bytes; returns the JPEGs that are complete now.

        Raises:
            ImageError: an image has more than `MAX_JPEG_BYTES`.
        """
        self._rest += chunk
        while (image := self._cut()) is not None:
            yield image
        if len(self._rest) > MAX_JPEG_BYTES:
            raise ImageError(f"more than {MAX_JPEG_BYTES // 1024**2} MiB without the end of a JPEG")

    @property
    def unfinished(self) -> bool:
        """Whether the stream stops within an image."""
        return bool(self._position)

    def _cut(self) -> bytes | None:
        while self._position or self._find_start():
            end = self._next_marker()
            if end is None:
                return None
            kind = self._rest[end - 1]
            if kind == _END:
                image = bytes(self._rest[:end])
                self._restart(end)
                return image
            if kind == _IMAGE_START:
                # Another image starts: the sender did not finish the previous one.
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
        """The position after the next marker that has a segment or ends the image; None if not there yet."""
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
    """The JPEGs in a stream of bytes; a truncated one at the end is left out."""
    splitter = JpegSplitter()
    for chunk in chunks:
        yield from splitter.feed(chunk)
