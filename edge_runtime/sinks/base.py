"""What all sinks share: their interface, the snapshot for monitors, `--on-change`, writing a line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from edge_runtime.core import Image, OutputError, ReaderGoneError, Result
from edge_runtime.drift import DriftStatus
from edge_runtime.sources import SourceStatus

if TYPE_CHECKING:
    from edge_runtime.update import UpdateStatus

DrawHeatmap = Callable[[Result], Image]
"""Draws where the evidence for a result's answer is; raises `ModelError` where the model gives none."""


class Sink(Protocol):
    """Takes results, one at a time. A context manager that writes what is left and closes at its end."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def emit(self, result: Result) -> None:
        """Take one result.

        Raises:
            OutputError: it cannot be written.
        """
        ...


class QueueingSink(Sink, Protocol):
    """A sink with a queue that can be full."""

    name: str

    @property
    def dropped(self) -> int:
        """How many results found the queue full."""
        ...


@dataclass(frozen=True)
class RunSnapshot:
    """The state of a run at one moment, for other threads.

    Attributes:
        model_sha256: of the model that runs.
        source: the status of the source.
        frames_per_second: over the last frames.
        dropped: results dropped because a queue was full, by the name of the sink.
        drift: how the frames compare with the held-out images; None for a model without such a reference.
        update: the versions of the model; None where it is not updated.
    """

    model_sha256: str
    source: SourceStatus
    frames_per_second: float = 0.0
    dropped: Mapping[str, int] = field(default_factory=dict)
    drift: DriftStatus | None = None
    update: "UpdateStatus | None" = None


class Monitor(Protocol):
    """A sink that also shows the state of the run."""

    def publish(self, snapshot: RunSnapshot) -> None:
        """Show this state from now on."""
        ...


class MonitoringSink(Sink, Monitor, Protocol):
    """A sink that also gets the state of the run."""


class SinkBase:
    """A sink that has nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is left, and close."""


class OnChange(SinkBase):
    """Passes a result on only if its answer differs from the last one passed on.

    Args:
        sink: gets the results; it is not closed.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._last: str | None = None

    def emit(self, result: Result) -> None:
        """See `Sink.emit`."""
        if self._last != result.answer:
            self._last = result.answer
            self._sink.emit(result)


def write_line(stream: TextIO, line: str) -> None:
    """Write a line and flush it.

    Raises:
        ReaderGoneError: the reader of the stream is gone.
        OutputError: it cannot be written.
    """
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except ValueError as error:  # it is closed, or cannot encode these characters
        raise OutputError(f"cannot write to {getattr(stream, 'name', 'the output')}: {error}") from error
    except BrokenPipeError as error:
        raise ReaderGoneError("the reader of the output is gone") from error
    except OSError as error:
        name = getattr(stream, "name", "the output")
        raise OutputError(f"cannot write to {name}: {error.strerror or error}") from error
