"""What all sources share: the protocol, and how a picture becomes a frame."""

import select
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol, Self

from edge_runtime.core import clock
from edge_runtime.core.types import Frame, Image

Say = Callable[[str], None]
"""Gets one line for the user."""

Idle = Callable[[], None]
"""Called at least twice a second while a source waits, so that whoever drives the loop stays alive."""


DecodeHint = Callable[[], int]
"""Gives how many pixels of each side the model needs that runs now; 0 for all that an image has."""


class Source(Protocol):
    """Gives frames, and lets go of its camera or file when it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...


class SourceBase:
    """A source that has nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what the source holds."""


def no_idle() -> None:
    """An idle hook that does nothing."""


def full_size() -> int:
    """A decode hint for images at their full size."""
    return 0


def wait_readable(descriptor: int, seconds: float) -> bool:
    """Whether something can be read within so many seconds; for descriptors of any number."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def new_frame(image: Image, index: int, source: str) -> Frame:
    """A picture that was taken, or read, just now."""
    return Frame(image, index, clock.now(), clock.wall_time(), source)
