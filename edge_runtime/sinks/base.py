"""What all sinks share."""

from typing import Protocol, Self, TextIO

from edge_runtime.core.errors import OutputError, ReaderGoneError
from edge_runtime.core.types import Result


class Sink(Protocol):
    """Takes results, one at a time."""

    def emit(self, result: Result) -> None:
        """Hand over one result.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def close(self) -> None:
        """Write what is still to be written, and let go."""
        ...


class SinkBase:
    """A sink that has nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """See `Sink.close`."""


class OnChange(SinkBase):
    """Passes a result on only when its answer is another one than the last that was passed on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._last: tuple[str | None] | None = None

    def emit(self, result: Result) -> None:
        """See `Sink.emit`."""
        if self._last != (result.answer,):
            self._last = (result.answer,)
            self._sink.emit(result)

    def close(self) -> None:
        """See `Sink.close`."""
        self._sink.close()


def write_line(stream: TextIO, line: str) -> None:
    """Write a line at once.

    Raises:
        ReaderGoneError: nobody reads any more.
        OutputError: it cannot be written.
    """
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except ValueError as error:  # it is closed, or cannot hold these signs
        raise OutputError(f"cannot write to {getattr(stream, 'name', 'the output')}: {error}") from error
    except BrokenPipeError as error:
        raise ReaderGoneError("the reader of the output has gone away") from error
    except OSError as error:
        name = getattr(stream, "name", "the output")
        raise OutputError(f"cannot write to {name}: {error.strerror or error}") from error
