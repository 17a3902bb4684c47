"""Collect frames where there is no model yet: diverse ones, blurred and dark ones left out."""

import statistics
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edge_runtime.collection.collector import Pace
from edge_runtime.collection.entry import Entry, Reason
from edge_runtime.collection.folder import CollectionFolder, Limits
from edge_runtime.collection.novelty import Appearance, Kept
from edge_runtime.collection.selection import ALIKE
from edge_runtime.core import Frame, Say, clock
from edge_runtime.images import fit, measure_image, perceptual_hash

SIZE = (224, 224)
MIN_BRIGHTNESS = 25.0
MIN_CONTRAST = 8.0
"""Grey levels; a frame with less is dark, covered or overexposed."""

MIN_SHARPNESS = 0.6
"""Of the median sharpness of the last frames; a frame with less is blurred."""

_REMEMBERED = 100
_MIN_REMEMBERED = 5


class FrameCollector:
    """Saves frames that differ from all that are kept.

    Args:
        folder: of the collection; it is created.
        limits: for it.
        seconds_apart: at least so many seconds between two saved frames.
        say: shows a line that the user should know.
        every_frame: look at every frame, as for an input that ends.

    Attributes:
        saved: the number of frames saved.
        total: the number of frames that are kept, with those of earlier runs.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, limits: Limits, *, seconds_apart: float, say: Say, every_frame: bool = False
    ) -> None:
        self._folder = CollectionFolder(folder, replace(limits, random_fraction=0.0), say)
        self._kept = Kept(self._folder.entries.values(), model="")
        self._pace = Pace(seconds_apart, every_frame=every_frame)
        self._sharpness: deque[float] = deque(maxlen=_REMEMBERED)
        self.saved = 0

    @property
    def total(self) -> int:
        """See the class."""
        return len(self._folder.entries)

    def __call__(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        """The stage: every frame passes through; None too."""
        for frame in frames:
            if frame is not None and self._pace.begin(frame.captured_at):
                saved = self._consider(frame)
                self.saved += saved
                self._pace.end(frame.captured_at, saved=saved)
            yield frame

    def _consider(self, frame: Frame) -> bool:
        pixels = fit(frame.image, SIZE)
        measured = measure_image(pixels)
        if measured.brightness < MIN_BRIGHTNESS or measured.contrast < MIN_CONTRAST:
            return False
        self._sharpness.append(measured.sharpness)
        usual = statistics.median(self._sharpness)
        if len(self._sharpness) >= _MIN_REMEMBERED and measured.sharpness < MIN_SHARPNESS * usual:
            return False
        look = Appearance(perceptual_hash(pixels), None)
        novelty = self._kept.novelty(look)
        entry = Entry(
            file=f"{clock.file_stamp(frame.wall_time)}-{frame.index}.jpg",
            time=frame.wall_time,
            camera=frame.source,
            reason=Reason.NEW,
            value=round(novelty, 4),
            hash=f"{look.hash:016x}",
        )
        return novelty >= ALIKE and self._folder.has_room_for(entry) and self._save(entry, frame)

    def _save(self, entry: Entry, frame: Frame) -> bool:
        saved = self._folder.save(entry, frame.image)
        if saved is not None:
            self._kept.retain(self._folder.entries)
            self._kept.add(saved)
        return saved is not None
