"""Frames from JPEGs on stdin."""

import os
from collections.abc import Iterator

from edge_runtime.core import DecodeHint, ImageError, Say, SourceError, full_size
from edge_runtime.images import decode_image
from edge_runtime.sources.base import EVENT_SECONDS, Events, SourceBase, new_frame, wait_readable
from edge_runtime.sources.jpeg_splitter import CHUNK_BYTES, JpegSplitter


class StreamSource(SourceBase):
    """JPEGs one after the other from a descriptor, as `ffmpeg -f image2pipe -c mjpeg -` writes them.

    None is dropped: the writer waits. Damaged ones are reported and skipped.

    Args:
        descriptor: to read from.
        name: how messages and frames call it.
        say: shows a line for each image that cannot be decoded.
        hint: how many pixels of each side the model needs.
    """

    def __init__(self, descriptor: int, name: str, *, say: Say, hint: DecodeHint = full_size) -> None:
        super().__init__(name)
        self._descriptor = descriptor
        self._say = say
        self._hint = hint

    def events(self) -> Events:
        """See `Source.events`."""
        splitter = JpegSplitter()
        index = 0
        for chunk in self._chunks():
            yield None
            for content in splitter.feed(chunk):
                try:
                    image = decode_image(content, name=f"{self.name} {index}", at_least=self._hint())
                except ImageError as error:
                    self._say(f"skipped: {error}")
                    continue
                yield new_frame(image, index, self.name)
                index += 1
        if splitter.unfinished:
            self._say(f"{self.name}: the last image is truncated and left out")
        if not index:
            raise SourceError(f"{self.name}: no JPEG in it; a stream of JPEGs is expected")

    def _chunks(self) -> Iterator[bytes]:
        """What can be read, and nothing at least every `EVENT_SECONDS`."""
        while True:
            try:
                ready = wait_readable(self._descriptor, EVENT_SECONDS)
                chunk = os.read(self._descriptor, CHUNK_BYTES) if ready else b""
            except OSError as error:
                raise SourceError(f"{self.name}: cannot be read: {error.strerror or error}") from error
            if ready and not chunk:
                return
            yield chunk
