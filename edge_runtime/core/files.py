"""The one place where files are read whole and written durably."""

import contextlib
import fcntl
import glob
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_runtime.core.errors import EdgeError, OutputError


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file durably: it is there whole, or not at all.

    Args:
        path: the final name; missing parent folders are made.
        content: bytes, or text that is written as UTF-8.

    Raises:
        OutputError: the folder or the file cannot be written; an old file stays as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    write_with(path, lambda temporary: temporary.write_bytes(data))


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under a temporary name that ends alike, then put it durably in place.

    Raises:
        OutputError: the folder or the file cannot be written; an old file stays as it was.
    """
    with _temporary_beside(path) as temporary:
        write(temporary)
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except EdgeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_temporaries(path: Path) -> None:
    """Remove what writing this file has left behind where the process was killed meanwhile."""
    for left in path.parent.glob(f".????????.{glob.escape(path.name)}"):
        with contextlib.suppress(OSError):
            left.unlink()


@contextlib.contextmanager
def lock_folder(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Keep a folder of output for this process; the lock goes with the process, however that ends.

    Args:
        path: the folder; it is there.
        shared: with others that ask for it in the same way.

    Raises:
        OutputError: another process works in it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OutputError(
            f"{path}: another process writes into it: wait for it, or give another --out"
        ) from error
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def make_folder(path: Path) -> Path:
    """Make a folder for output and prove that files can be written in it.

    Raises:
        OutputError: it cannot be made or written.
    """
    probe = path / f".probe.{secrets.token_hex(4)}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"cannot write into {path}: {error.strerror or error}") from error
    return path


def is_there(path: Path) -> bool:
    """Whether a file or a folder exists; False also for a name that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def cache_folder(name: str) -> Path:
    """Where this user keeps what can be made again; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else _home() / ".cache") / "edge-classify" / name


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither $HOME nor an entry in the list of users, as in some containers
        return Path(tempfile.gettempdir()) / f"edge-classify-{os.getuid()}"


def is_text(text: str) -> bool:
    """Whether text can be written as UTF-8; names of files may hold bytes that are none."""
    return not any(0xD800 <= ord(sign) <= 0xDFFF for sign in text)


def printable(text: str) -> str:
    """Text without what would steer a terminal or end a line; such signs become `?`."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
