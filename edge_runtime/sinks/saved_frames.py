"""Save frames as JPEGs: those where the answer changes, or is unknown."""

import contextlib
import re
from enum import StrEnum
from pathlib import Path

from edge_runtime.core import ModelError, Result, clock, make_folder, write_file
from edge_runtime.images import encode_jpeg
from edge_runtime.sinks.base import DrawHeatmap, SinkBase

PREFIX = "edge-classify-"
# edge-classify-20260131-120000.250_cat.jpg
_OWN_NAME = re.compile(re.escape(PREFIX) + r"\d{8}-\d{6}\.\d{3}_.{1,60}(\.heatmap)?\.jpg")


class SaveWhen(StrEnum):
    """Which frames are saved."""

    CHANGE = "change"
    UNKNOWN = "unknown"
    BOTH = "both"


class SavedFramesSink(SinkBase):
    """Writes frames as JPEGs named by time and answer; beyond a size limit its oldest ones are deleted.

    Args:
        folder: for them; it is created.
        when: at a change of the answer, when it is unknown (the first of several in a row second), or both.
        max_bytes: of all saved frames together.
        draw_heatmap: draws where the evidence for an answer is, into a file beside each frame; None for none.

    Raises:
        OutputError: the folder or a file cannot be written.
    """

    def __init__(
        self, folder: Path, when: SaveWhen, *, max_bytes: int, draw_heatmap: DrawHeatmap | None = None
    ) -> None:
        self._folder = make_folder(folder)
        self._when = when
        self._max_bytes = max_bytes
        self._draw_heatmap = draw_heatmap
        self._last: str | None = None
        self._last_second = -1.0
        # The user's own files may be in the folder too: only files with a name made here may be deleted.
        self._sizes = {
            path.name: path.stat().st_size
            for path in sorted(folder.iterdir())
            if _OWN_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
        }

    def emit(self, result: Result) -> None:
        """Save the frame, if it is one to be saved."""
        changed = self._last not in (None, result.answer)
        self._last = result.answer
        wanted = (changed and self._when is not SaveWhen.UNKNOWN) or (
            result.is_unknown and self._when is not SaveWhen.CHANGE and self._is_new_second(result)
        )
        if wanted:
            self._save(result)

    def _is_new_second(self, result: Result) -> bool:
        fresh = result.frame.captured_at - self._last_second >= 1.0
        if fresh:
            self._last_second = result.frame.captured_at
        return fresh

    def _save(self, result: Result) -> None:
        label = "".join(c if c.isalnum() or c in "-. " else "-" for c in result.answer)[:60]
        stem = f"{PREFIX}{clock.file_stamp(result.frame.wall_time)}_{label}"
        self._write(f"{stem}.jpg", encode_jpeg(result.frame.image))
        if self._draw_heatmap is not None:
            with contextlib.suppress(ModelError):  # the model has just been replaced
                self._write(f"{stem}.heatmap.jpg", encode_jpeg(self._draw_heatmap(result)))

    def _write(self, name: str, content: bytes) -> None:
        self._make_room(len(content))
        write_file(self._folder / name, content)
        self._sizes[name] = len(content)

    def _make_room(self, size: int) -> None:
        # Oldest first: names begin with the time, and those of this run were added in order.
        while self._sizes and sum(self._sizes.values()) + size > self._max_bytes:
            oldest = next(iter(self._sizes))
            del self._sizes[oldest]
            (self._folder / oldest).unlink(missing_ok=True)
