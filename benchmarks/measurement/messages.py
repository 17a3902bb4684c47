"""Requests to the process of a target, and its replies: one line of JSON each, checked by their types."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from benchmarks.targets import OperatorTime, TargetSpec
from edge_runtime.core import CLOSED


@dataclass(frozen=True)
class Message:
    """Base of all requests and replies."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED


@dataclass(frozen=True)
class Load(Message):
    """Load a target and classify one image file; the reply is `Loaded`."""

    spec: TargetSpec
    image: str


@dataclass(frozen=True)
class Loaded(Message):
    """A target is loaded.

    Attributes:
        load_ms: duration of loading.
        first_ms: duration of the first image.
        answered_at: monotonic seconds after the first image.
        engine: what runs it, with its version.
        num_threads: threads it may use; None where it chooses itself.
        size_bytes: of its file.
    """

    load_ms: float
    first_ms: float
    answered_at: float
    engine: str
    num_threads: int | None
    size_bytes: int


@dataclass(frozen=True)
class Prepare(Message):
    """Read the image files that bursts go through; the reply is `Done`."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class Done(Message):
    """The request is done."""


@dataclass(frozen=True)
class Burst(Message):
    """Time some images in a row; the reply is `Timed`."""

    first: int
    count: int


@dataclass(frozen=True)
class TimedImage:
    """Durations of one image in milliseconds; `total` is from the decoded image to the answer."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    decode: float
    resize: float
    invoke: float
    postprocess: float
    total: float


@dataclass(frozen=True)
class Timed(Message):
    """The durations of a burst, and the processor time that it took."""

    images: tuple[TimedImage, ...]
    cpu_seconds: float


@dataclass(frozen=True)
class AskMemory(Message):
    """Ask for the memory of the process; the reply is `Memory`."""


@dataclass(frozen=True)
class Memory(Message):
    """Resident memory now and at its peak, in bytes."""

    resident: int
    peak: int


@dataclass(frozen=True)
class AskOperators(Message):
    """Ask for the time inside the model; the reply is `Operators`."""


@dataclass(frozen=True)
class Operators(Message):
    """The time inside the model by kind of operator."""

    operators: tuple[OperatorTime, ...]


@dataclass(frozen=True)
class ScoreImages(Message):
    """Classify images of a data set and write their scores as `.npy`; the reply is `Done`."""

    data: str
    files: tuple[str, ...]
    out: str


@dataclass(frozen=True)
class Refused(Message):
    """The request failed with this error and exit code."""

    error: str
    exit_code: int


MESSAGES: Mapping[str, type[Message]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            Load, Loaded, Prepare, Done, Burst, Timed, AskMemory, Memory, AskOperators, Operators,
            ScoreImages, Refused,
        )
    }
)  # fmt: skip
"""Name → message; a line is the name, a space and the JSON."""
