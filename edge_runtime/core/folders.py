"""Create, lock and list folders; the folders for caches and for state."""

import contextlib
import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_runtime.core.errors import OutputError

_DIGITS = re.compile(r"(\d+)")


def make_folder(path: Path) -> Path:
    """Create a folder for output and check that files can be created in it.

    Raises:
        OutputError: it cannot be created or written.
    """
    probe = path / f".probe.{secrets.token_hex(4)}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"cannot write into {path}: {error.strerror or error}") from error
    return path


@contextlib.contextmanager
def lock_folder(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Lock an output folder for this process; the lock ends with the process.

    Args:
        path: an existing folder.
        shared: allow other processes that lock it with `shared` too.

    Raises:
        OutputError: another process has locked it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OutputError(
            f"{path}: another process writes into it: wait for it, or name another folder"
        ) from error
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def is_there(path: Path) -> bool:
    """Whether a file or a folder exists; False also for a name that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def cache_folder(name: str) -> Path:
    """The folder for data of this user that can be computed again; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else _home() / ".cache") / "edge-classify" / name


def state_folder(name: str) -> Path:
    """The folder for data of this user that must be kept; it may not exist yet.

    In a service with `StateDirectory=` it is that directory (systemd.exec(5)).
    """
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if service:
        return Path(service) / name
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else _home() / ".local" / "state") / "edge-classify" / name


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither $HOME nor a passwd entry, as in some containers
        return Path(tempfile.gettempdir()) / f"edge-classify-{os.getuid()}"


def list_files(folder: Path) -> list[str]:
    """The names of all files below a folder, relative to it, in natural order.

    Hidden files are left out, links to folders are not followed, folders without permission count as empty.
    """
    names: list[str] = []
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(f"{folder}/{inside}") as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inside}{entry.name}/")
                elif _is_file(entry):
                    names.append(f"{inside}{entry.name}")
    return sorted(names, key=natural_key)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a file or a broken link, which fails with its own message when it is read."""
    try:
        return entry.is_file() or (entry.is_symlink() and not entry.is_dir())
    except OSError:  # a link to itself
        return True


def natural_key(text: str) -> list[Any]:
    """A sort key that puts 2 before 10."""
    # Text and digits in turns, text first: only like pieces are compared with each other.
    pieces: list[Any] = _DIGITS.split(text)
    pieces[1::2] = [(int(piece), piece) for piece in pieces[1::2]]
    return pieces
