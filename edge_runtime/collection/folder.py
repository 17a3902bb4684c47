"""A folder of collected frames with its index, within limits: the least useful frames are dropped first.

The line of a frame is written before its image: a power cut leaves a line without an image, which is ignored,
never an image that nothing is known of.
"""

import contextlib
import dataclasses
import errno
import os
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.collection.entry import INDEX_NAME, Entry, Reason, parse_entries
from edge_runtime.core import (
    Image,
    OutputError,
    Say,
    make_folder,
    read_file,
    remove_all_temporaries,
    write_file,
)
from edge_runtime.images import encode_jpeg

MAX_IMAGES = 20_000
"""Frames in one folder, so that the memory for what is known of them is bounded."""

RANDOM_FRACTION = 0.1
"""Of the frames of a day that are kept whatever the model says, so that a collection is not biased."""

JPEG_QUALITY = 92
"""The images are trained on."""

FREE_BYTES = 64 * 1024**2
"""Space on the disk that is left to others."""

_MAX_INDEX_BYTES = 256 * 1024**2
_SECONDS_A_DAY = 86_400
_STALE_LINES = 1_000


@dataclass(frozen=True)
class Limits:
    """Limits of a collection.

    Attributes:
        max_bytes: of all images together.
        per_day: images a day (UTC).
    """

    max_bytes: int
    per_day: int


class CollectionFolder:
    """The frames that are kept.

    Args:
        path: the folder; it is created.
        limits: for it.
        say: shows a line that the user should know.

    Attributes:
        entries: name → what is known of each frame, oldest first.

    Raises:
        OutputError: the folder or its index cannot be written.
    """

    def __init__(self, path: Path, limits: Limits, say: Say) -> None:
        self._path = make_folder(path)
        remove_all_temporaries(path)
        self._limits = limits
        self._say = say
        self._is_full = False
        self._index = path / INDEX_NAME
        self.entries: dict[str, Entry] = {}
        self._days: defaultdict[tuple[int, bool], dict[str, float]] = defaultdict(dict)
        self._bytes = 0
        for entry in read_collection(path):
            self._note(entry)
        self._lines = len(self.entries)
        # A disk that is full is no reason not to start: the index there is stays.
        with contextlib.suppress(OutputError):
            self._write_index()

    def has_room_for(self, entry: Entry) -> bool:
        """Whether a frame would be kept: its day has room, or a less useful frame."""
        same_day = self._days[_day_of(entry)]
        return len(same_day) < self._day_limit(entry.reason) or min(same_day.values()) < entry.value

    def save(self, entry: Entry, image: Image) -> Entry | None:
        """Keep a frame, in the place of less useful ones if need be.

        Args:
            entry: what is known of it, without its size.
            image: uint8 RGB, shape (height, width, 3).

        Returns:
            What is known of it; None where it was not kept: it is too large or not useful enough, or the disk
            is full and nothing is left to drop.

        Raises:
            OutputError: the folder cannot be written for another reason than a full disk.
        """
        content = encode_jpeg(image, JPEG_QUALITY)
        entry = dataclasses.replace(entry, size=len(content))
        if not self.has_room_for(entry) or entry.size > self._limits.max_bytes:
            return None
        same_day = self._days[_day_of(entry)]
        if len(same_day) >= self._day_limit(entry.reason):
            self._drop(min(same_day, key=same_day.__getitem__))
        while self._bytes + entry.size > self._limits.max_bytes or len(self.entries) >= MAX_IMAGES:
            self._drop(self._least_useful())
        saved = self._write(entry, content)
        while not saved and self.entries:
            self._drop(self._least_useful())
            saved = self._write(entry, content)
        if saved == self._is_full:
            self._is_full = not saved
            self._say(
                f"{self._path}: " + ("collecting again" if saved else "the disk is full: not collecting")
            )
        if saved:
            self._note(entry)
        return entry if saved else None

    def _note(self, entry: Entry) -> None:
        self.entries[entry.file] = entry
        self._days[_day_of(entry)][entry.file] = entry.value
        self._bytes += entry.size

    def _day_limit(self, reason: Reason) -> int:
        random = max(1, round(RANDOM_FRACTION * self._limits.per_day))
        return random if reason is Reason.RANDOM else max(self._limits.per_day - random, 1)

    def _least_useful(self) -> str:
        """The frame to drop for space; random ones only while they are more than their fraction."""
        random = [each for each in self.entries.values() if each.reason is Reason.RANDOM]
        others = [each for each in self.entries.values() if each.reason is not Reason.RANDOM]
        surplus = len(random) > RANDOM_FRACTION * len(self.entries)
        return min(random if surplus or not others else others, key=lambda each: each.value).file

    def _write(self, entry: Entry, image: bytes) -> bool:
        """Write line and image; False where the disk is full."""
        if shutil.disk_usage(self._path).free < FREE_BYTES + len(image):
            return False
        try:
            self._append(entry)
            write_file(self._path / entry.file, image)
        except OSError as error:
            reason = error.__cause__ if isinstance(error, OutputError) else error
            if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise OutputError(f"cannot write into {self._path}: {error.strerror or error}") from error
        self._lines += 1
        return True

    def _append(self, entry: Entry) -> None:
        with self._index.open("ab+") as index:
            end = index.seek(0, os.SEEK_END)
            if end:
                index.seek(end - 1)
                # A line that a power cut or a full disk left incomplete must not swallow this one.
                index.write(b"" if index.read(1) == b"\n" else b"\n")
            index.write(entry.to_line().encode())
            index.flush()
            os.fsync(index.fileno())

    def _drop(self, file: str) -> None:
        (self._path / file).unlink(missing_ok=True)
        entry = self.entries.pop(file)
        del self._days[_day_of(entry)][file]
        self._bytes -= entry.size
        if self._lines > 2 * len(self.entries) + _STALE_LINES:
            # On a full disk the longer index stays.
            with contextlib.suppress(OutputError):
                self._write_index()

    def _write_index(self) -> None:
        """Write the index with a line for each kept frame only."""
        write_file(self._index, "".join(each.to_line() for each in self.entries.values()))
        self._lines = len(self.entries)


def _day_of(entry: Entry) -> tuple[int, bool]:
    """The day of a frame, and whether it was kept at random: these have a limit of their own."""
    return int(entry.time // _SECONDS_A_DAY), entry.reason is Reason.RANDOM


def read_collection(path: Path) -> list[Entry]:
    """What is known of the images in a folder; those that were moved or deleted since are left out.

    Raises:
        OutputError: the index cannot be read.
    """
    index = path / INDEX_NAME
    if not index.exists():
        return []
    content = read_file(index, max_bytes=_MAX_INDEX_BYTES, error=OutputError)
    present = {entry.name: entry for entry in os.scandir(path)}
    return [
        each
        for each in parse_entries(content, name=str(index))
        if each.file in present and present[each.file].is_file(follow_symlinks=False)
    ]
