"""What all sources share: their interface, their status, and how an image becomes a frame."""

import select
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from edge_runtime.core import Frame, Image, clock

Events: TypeAlias = Iterator[Frame | None]
"""Frames, and None at least twice a second while there is none, so that the loop can do other work."""

EVENT_SECONDS = 0.5
"""Longest time without an event."""


@dataclass(frozen=True)
class Counts:
    """What a live source has done so far.

    Attributes:
        read: frames that the device gave.
        dropped: of those, discarded because a newer one came first.
        repeated: of those, identical to the previous one and so not a new frame.
        damaged: of those, impossible to decode.
        reopened: how often the device was opened again.
    """

    read: int = 0
    dropped: int = 0
    repeated: int = 0
    damaged: int = 0
    reopened: int = 0


@dataclass(frozen=True)
class SourceStatus:
    """A source at one moment.

    Attributes:
        name: what it reads.
        lost: whether its camera or stream is lost at the moment.
        counts: None for a source that never drops or loses a frame.
    """

    name: str
    lost: bool = False
    counts: Counts | None = None


class Source(Protocol):
    """Gives frames. A context manager that closes its camera or file; iterating it gives frames only."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def events(self) -> Events:
        """Frames, and None at least twice a second while there is none.

        Raises:
            SourceError: the source is lost for good, or gave no frame at all.
        """
        ...

    @property
    def status(self) -> SourceStatus:
        """The status now. To be read by the thread that iterates the source."""
        ...

    @property
    def total(self) -> int | None:
        """How many frames there are; None where that is not known."""
        ...


class SourceBase:
    """A source that has nothing to close, and whose number of frames is not known.

    Args:
        name: how messages and frames call it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return (frame for frame in self.events() if frame is not None)

    def events(self) -> Events:
        """See `Source.events`."""
        raise NotImplementedError

    @property
    def status(self) -> SourceStatus:
        """See `Source.status`."""
        return SourceStatus(self.name)

    @property
    def total(self) -> int | None:
        """See `Source.total`."""
        return None

    def close(self) -> None:
        """Close the camera or the file."""


def pause(seconds: float) -> Iterator[None]:
    """Wait, and give an event at least every `EVENT_SECONDS` meanwhile."""
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0:
        yield None
        time.sleep(min(left, EVENT_SECONDS))


def wait_readable(descriptor: int, seconds: float) -> bool:
    """Whether something can be read within this time; for descriptors of any number."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def new_frame(image: Image, index: int, source: str) -> Frame:
    """A frame captured, or read, at this moment."""
    return Frame(image, index, clock.now(), clock.wall_time(), source)
