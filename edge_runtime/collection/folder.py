"""A folder of collected frames with its index, within limits: the least useful frames are dropped first.

The line of a frame is written before its image: a power cut leaves a line without an image, which is ignored,
never an image that nothing is known of.
"""

import contextlib
import dataclasses
import errno
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.collection.entry import INDEX_NAME, Entry, Reason, parse_entries
from edge_runtime.core import (
    Image,
    OutputError,
    Say,
    make_folder,
    read_file,
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
_TEMPORARY = re.compile(r"\.[0-9a-f]{8}\.(.+)")  # as `write_file` names them


@dataclass(frozen=True)
class Limits:
    """Limits of a collection.

    Attributes:
        max_bytes: of all images together.
        per_day: images a day (UTC).
        random_fraction: of the images, that are drawn at random.
    """

    max_bytes: int
    per_day: int
    random_fraction: float = RANDOM_FRACTION


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
        self._limits = limits
        self._say = say
        self._is_full = False
        self._index = path / INDEX_NAME
        self.entries: dict[str, Entry] = {}
        self._days: defaultdict[tuple[int, bool], dict[str, float]] = defaultdict(dict)
        self._bytes = 0
        _remove_temporaries(path)
        for entry in read_collection(path):
            self._note(entry)
        self._lines = len(self.entries)
        # A disk that is full is no reason not to start: the index there is stays.
        with contextlib.suppress(OutputError):
            self._write_index()

    def has_room_for(self, entry: Entry) -> bool:
        """Whether a frame would be kept: its day has room, or a less useful frame."""
        same_day = self._days[_day_of(entry)]
        limit = self._day_limit(entry.reason)
        return len(same_day) < limit or (limit > 0 and min(same_day.values()) < entry.value)

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
        replaced = []
        if len(same_day) >= self._day_limit(entry.reason):
            replaced.append(min(same_day, key=same_day.__getitem__))
        freed = sum(self.entries[file].size for file in replaced)
        too_many = self._bytes - freed + entry.size - self._limits.max_bytes
        full = FREE_BYTES + entry.size - freed - shutil.disk_usage(self._path).free
        others = self._choose_less_useful(entry, max(too_many, full), replaced)
        if others is None:
            self._tell(full=full > 0)
            return None
        for file in (*replaced, *others):
            self._drop(file)
        saved = self._write(entry, content)
        # A quota is not seen in the free space of the disk.
        for file in () if saved else self._choose_less_useful(entry, entry.size, ()) or ():
            self._drop(file)
            saved = saved or self._write(entry, content)
        self._tell(full=not saved)
        if saved:
            self._note(entry)
        return entry if saved else None

    def _tell(self, *, full: bool) -> None:
        """Say once that the disk is full, and once that it no longer is."""
        if full != self._is_full:
            self._is_full = full
            state = "the disk is full: not collecting" if full else "collecting again"
            self._say(f"{self._path}: {state}")

    def _choose_less_useful(self, entry: Entry, wanted: int, replaced: Sequence[str]) -> list[str] | None:
        """The least useful frames that free so many bytes; None where that would cost more useful ones.

        Nothing is dropped for a frame that would not be kept then either: what fills the disk may be others.
        """
        chosen: list[str] = []
        count = len(self.entries) - len(replaced)
        for each in self._less_useful(entry):
            if wanted <= 0 and count < MAX_IMAGES:
                break
            if each.file not in replaced:
                chosen.append(each.file)
                wanted -= each.size
                count -= 1
        return chosen if wanted <= 0 and count < MAX_IMAGES else None

    def _less_useful(self, entry: Entry) -> list[Entry]:
        """The frames that may be dropped for another one, the least useful first.

        Frames drawn at random and others have values that cannot be compared: those that are more than their
        fraction are dropped first.
        """
        is_random = entry.reason is Reason.RANDOM
        own = [each for each in self.entries.values() if (each.reason is Reason.RANDOM) == is_random]
        others = [each for each in self.entries.values() if (each.reason is Reason.RANDOM) != is_random]
        surplus = len(others) > (1 - self._fraction(is_random)) * len(self.entries)
        lower = [each for each in own if each.value < entry.value]
        pool = others if surplus else lower
        return sorted(pool, key=lambda each: each.value)

    def _fraction(self, is_random: bool) -> float:
        """The part of the frames that are drawn at random, or that are not."""
        return self._limits.random_fraction if is_random else 1 - self._limits.random_fraction

    def _note(self, entry: Entry) -> None:
        self.entries[entry.file] = entry
        self._days[_day_of(entry)][entry.file] = entry.value
        self._bytes += entry.size

    def _day_limit(self, reason: Reason) -> int:
        """Frames of a day of this kind; with a limit of one frame a day none is drawn at random."""
        wanted = self._limits.random_fraction * self._limits.per_day
        random = min(max(1, round(wanted)), self._limits.per_day - 1) if wanted else 0
        return random if reason is Reason.RANDOM else self._limits.per_day - random

    def _write(self, entry: Entry, image: bytes) -> bool:
        """Write line and image; False where the disk is full."""
        try:
            self._append(entry)
            self._lines += 1
            write_file(self._path / entry.file, image)
        except OSError as error:
            reason = error.__cause__ if isinstance(error, OutputError) else error
            if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise OutputError(f"cannot write into {self._path}: {error.strerror or error}") from error
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
    present = {entry.name: entry for entry in os.scandir(path)}
    return [
        # The index may be damaged: the size is that of the file.
        dataclasses.replace(each, size=present[each.file].stat(follow_symlinks=False).st_size)
        for each in _read_index(path)
        if each.file in present and present[each.file].is_file(follow_symlinks=False)
    ]


def _read_index(path: Path) -> list[Entry]:
    index = path / INDEX_NAME
    if not index.exists():
        return []
    content = read_file(index, max_bytes=_MAX_INDEX_BYTES, error=OutputError)
    return parse_entries(content, name=str(index))


def _remove_temporaries(path: Path) -> None:
    """Remove what a killed process left of a frame whose line it had written."""
    known = {INDEX_NAME, *(each.file for each in _read_index(path))}
    for entry in list(os.scandir(path)):
        found = _TEMPORARY.fullmatch(entry.name)
        if found and found[1] in known:
            with contextlib.suppress(OSError):
                (path / entry.name).unlink()
