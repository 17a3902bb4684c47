"""Read files with a size limit, write files durably, hash bytes."""

import contextlib
import filecmp
import glob
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_runtime.core.errors import EdgeError, OutputError


def read_file(path: str | os.PathLike[str], *, max_bytes: int, error: type[EdgeError]) -> bytes:
    """Read a whole file into memory.

    Args:
        path: the file.
        max_bytes: a larger file is refused before it is read.
        error: the kind of error to raise.

    Raises:
        EdgeError: of that kind: the file is missing, cannot be read, or is larger than `max_bytes`.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb", buffering=0) as file:  # noqa: PTH123 - a third of the time of pathlib's
            size = os.fstat(file.fileno()).st_size
            if size <= max_bytes:
                # Of a known size in one call: without it Python asks for the size and the end again.
                content = file.read(size)
                return content if len(content) == size > 0 else content + file.read()
    except (OSError, ValueError) as reason:
        text = getattr(reason, "strerror", None) or reason
        raise error(f"{name}: cannot be read: {text}") from reason
    raise error(f"{name}: {size} bytes; the largest file read here has {max_bytes}")


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file durably: afterwards it is complete, or unchanged.

    Args:
        path: the final name; missing parent folders are created.
        content: bytes, or text that is written as UTF-8.

    Raises:
        OutputError: the folder or the file cannot be written; an existing file is unchanged.
    """
    data = content.encode() if isinstance(content, str) else content
    write_with(path, lambda temporary: temporary.write_bytes(data))


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary name that has the same ending, then rename the file durably.

    Raises:
        OutputError: the folder or the file cannot be written; an existing file is unchanged.
    """
    with _temporary_beside(path) as temporary:
        write(temporary)
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)


def move_file(source: Path, target: Path) -> None:
    """Move a file durably, also to another file system; an existing target is never replaced.

    Called again after it was interrupted, it finishes: a source that is gone was moved, and a target with the
    same content is the moved file.

    Raises:
        OutputError: it cannot be moved; the source is unchanged.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not source.exists():
            if target.exists():
                return
            raise OutputError(f"cannot move {source} to {target}: it is gone")
        if target.exists():
            if not (target.samefile(source) or filecmp.cmp(source, target, shallow=False)):
                raise OutputError(f"cannot move {source} to {target}: another file is there")
        else:
            _link_or_copy(source, target)
        _sync(target.parent)
        source.unlink()
        _sync(source.parent)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot move {source} to {target}: {error.strerror or error}") from error


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        write_with(target, lambda temporary: shutil.copy2(source, temporary))


def remove_temporaries(path: Path) -> None:
    """Remove the temporary files that a killed process left while writing this file."""
    for left in path.parent.glob(f".????????.{glob.escape(path.name)}"):
        with contextlib.suppress(OSError):
            left.unlink()


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
