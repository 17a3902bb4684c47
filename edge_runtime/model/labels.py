"""Label files, in both formats found in the wild."""

import re
from pathlib import Path

from edge_runtime.core.errors import ModelError

_BREAK = re.compile(r"[\r\n]+")
_NUMBERED = re.compile(r"^(\d{1,9}):?\s+(\S.*)$")
MAX_LABEL_BYTES = 8 * 1024**2


def parse_labels(text: str, *, name: str = "labels.txt") -> tuple[str, ...]:
    """Read one label a line, or `0 name` lines in any order.

    The numbered format is taken when every line carries a number and the numbers are 0 … n-1.

    Raises:
        ModelError: no label.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
    lines = [line for line in lines if line]
    if not lines:
        raise ModelError(f"{name}: no label in it")
    return _numbered(lines) or tuple(lines)


def read_labels(path: Path) -> tuple[str, ...]:
    """Read a label file (UTF-8).

    Raises:
        ModelError: it cannot be read, or holds no label.
    """
    try:
        if path.stat().st_size > MAX_LABEL_BYTES:
            raise ModelError(
                f"{path}: over {MAX_LABEL_BYTES // 1024**2} MiB, more than a label file may have"
            )
        return parse_labels(path.read_text(encoding="utf-8"), name=str(path))
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: labels must be UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error


def format_labels(labels: tuple[str, ...]) -> str:
    """One label a line; `parse_labels` reads it back. A line break inside a label becomes a space."""
    return "".join(f"{_BREAK.sub(' ', label)}\n" for label in labels)


def _numbered(lines: list[str]) -> tuple[str, ...] | None:
    matches = [match for line in lines if (match := _NUMBERED.match(line))]
    by_number = {int(match[1]): match[2] for match in matches}
    if len(matches) != len(lines) or sorted(by_number) != list(range(len(lines))):
        return None
    return tuple(by_number[number] for number in range(len(lines)))
