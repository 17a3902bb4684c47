"""Label files: one label a line, or `0 name` lines."""

import re
from pathlib import Path

from edge_runtime.core import ModelError, read_file

MAX_LABEL_BYTES = 8 * 1024**2

_LINE_BREAK = re.compile(r"[\r\n]+")
_NUMBERED = re.compile(r"^(\d{1,9}):?\s+(\S.*)$")


def parse_labels(text: str, *, name: str = "labels.txt") -> tuple[str, ...]:
    """Read one label a line, or `0 name` lines in any order.

    The numbered format is taken when every line has a number and the numbers are 0 … n-1.

    Raises:
        ModelError: no label.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
    lines = [line for line in lines if line]
    if not lines:
        raise ModelError(f"{name}: no labels in it")
    return _numbered(lines) or tuple(lines)


def decode_labels(content: bytes, *, name: str) -> tuple[str, ...]:
    """Read the bytes of a label file; see `parse_labels`.

    Raises:
        ModelError: not UTF-8, or no label.
    """
    try:
        return parse_labels(content.decode("utf-8"), name=name)
    except UnicodeDecodeError as error:
        raise ModelError(f"{name}: labels must be UTF-8 text ({error.reason})") from error


def read_labels(path: Path) -> tuple[str, ...]:
    """Read a label file (UTF-8).

    Raises:
        ModelError: it cannot be read, is not UTF-8, or contains no label.
    """
    content = read_file(path, max_bytes=MAX_LABEL_BYTES, error=ModelError)
    return decode_labels(content, name=str(path))


def format_labels(labels: tuple[str, ...]) -> str:
    """One label a line; `parse_labels` reads it back. A line break inside a label becomes a space."""
    return "".join(f"{_LINE_BREAK.sub(' ', label)}\n" for label in labels)


def _numbered(lines: list[str]) -> tuple[str, ...] | None:
    matches = [match for line in lines if (match := _NUMBERED.match(line))]
    by_number = {int(match[1]): match[2] for match in matches}
    if len(matches) != len(lines) or sorted(by_number) != list(range(len(lines))):
        return None
    return tuple(by_number[number] for number in range(len(lines)))
