"""One frame of a collection: what is known of it, as one JSON line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from edge_runtime.core import OPEN, OutputError, from_json, to_json

INDEX_NAME = "frames.jsonl"
_HASH = re.compile(r"[0-9a-f]{16}|")


class Reason(StrEnum):
    """Why a frame was kept."""

    UNCERTAIN = "uncertain"
    FLICKER = "flicker"
    NEW = "new"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One frame.

    Attributes:
        file: the image, in the folder of the collection.
        time: seconds since 1970.
        camera: the source of the frame.
        reason: why it was kept.
        value: how useful a label would be, in [0, 1]; of a random frame, a random number.
        size: of the image file, in bytes.
        model: SHA-256 of the model file; empty without a model.
        answer: the model's.
        scores: label → score of the best classes.
        hash: perceptual hash, 16 hexadecimal digits; empty for an image without contrast.
        descriptor: see `edge_runtime.collection.descriptor`; empty where the model has no features.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    file: str
    time: float
    camera: str
    reason: Reason = Reason.NEW
    value: float = 0.0
    size: int = 0
    model: str = ""
    answer: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    hash: str = ""
    descriptor: bytes = b""

    def to_line(self) -> str:
        """The entry as one line of JSON."""
        return to_json(self) + "\n"


def parse_entries(content: bytes, *, name: str) -> list[Entry]:
    """Read an index; lines that a power cut left incomplete are passed over.

    A file name that is not one in the folder itself is passed over as well.
    """
    entries: dict[str, Entry] = {}
    for line in content.splitlines():
        try:
            entry = from_json(line, Entry, name=name, error=OutputError)
        except OutputError:
            continue
        if not _HASH.fullmatch(entry.hash):
            entry = replace(entry, hash="")
        if "/" not in entry.file and entry.file.endswith(".jpg") and not entry.file.startswith("."):
            entries[entry.file] = entry
    return list(entries.values())
