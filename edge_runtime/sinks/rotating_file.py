"""A file of lines that is rotated at a size limit and contains only complete lines."""

import contextlib
import os
from pathlib import Path
from typing import Self

from edge_runtime.core import OutputError, clock

LOOK_EVERY = 0.25
"""Seconds between two looks whether the file is still there: each look hands the interpreter's lock to the
threads that decode and classify, and takes as long as writing the line."""


class RotatingFile:
    """A text file that lines are appended to; a full one becomes `NAME.1`, that one `NAME.2`, and so on.

    A context manager.

    Args:
        path: of the newest file; missing parent folders are created.
        max_bytes: size limit of a file; only a single line may be larger.
        keep: how many full files are kept.
        header: the first line of every file.

    Raises:
        OutputError: it cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int, header: str = "") -> None:
        self.name = str(path)
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._header = header
        self._descriptor = self._open()
        self._size, self._looked = 0, -LOOK_EVERY

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, line: str) -> int:
        """Append a complete line, or nothing.

        Raises:
            OSError: the disk is full, or the file is gone; a partly written line is removed.
        """
        data = line.encode("utf-8", "backslashreplace")
        now = clock.now()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._look()
        if self._size > len(self._header) and self._size + len(data) > self._max_bytes:
            self._rotate()
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            self._remove_last(written)
            raise
        self._size += len(data)
        return len(line)

    def flush(self) -> None:
        """Do nothing: lines are written at once."""

    def close(self) -> None:
        """Sync what was written to the disk, and close."""
        with contextlib.suppress(OSError):  # a device without a disk
            os.fsync(self._descriptor)
        os.close(self._descriptor)

    def _remove_last(self, count: int) -> None:
        """Remove the bytes that were written last, unless another program has appended more since."""
        end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        if count and os.fstat(self._descriptor).st_size == end:
            os.ftruncate(self._descriptor, end - count)

    def _look(self) -> None:
        """Take the size of the file; where its name is gone, or is another file's, open it again."""
        ours = os.fstat(self._descriptor)
        try:
            now = self._path.stat()
            there = (now.st_dev, now.st_ino) == (ours.st_dev, ours.st_ino)
        except OSError:
            there = False
        if not there:
            # Moved away by logrotate, or deleted.
            self._reopen()
        else:
            self._size = ours.st_size

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._begin(descriptor)
        except OSError as error:
            raise OutputError(f"cannot write to {self._path}: {error.strerror or error}") from error
        return descriptor

    def _begin(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if not size and self._header:
            os.write(descriptor, f"{self._header}\n".encode())
        elif size and os.pread(descriptor, 1, size - 1) != b"\n":
            # A power cut left an incomplete line.
            os.write(descriptor, b"\n")

    def _rotate(self) -> None:
        for number in range(self._keep, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))
        if not self._keep:
            self._path.unlink(missing_ok=True)
        self._reopen()

    def _reopen(self) -> None:
        os.close(self._descriptor)
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path
