"""Where results go: readable text, or JSON lines."""

import json
from enum import StrEnum
from typing import Protocol, TextIO

from edge_runtime.errors import OutputError, ReaderGoneError
from edge_runtime.values import Result


class Format(StrEnum):
    """How `edge-classify` prints."""

    TEXT = "text"
    JSONL = "jsonl"


class Sink(Protocol):
    """Takes results, one at a time."""

    def emit(self, result: Result) -> None:
        """Hand over one result.

        Raises:
            OutputError: it cannot be written.
        """
        ...


def open_sink(output: Format, stream: TextIO) -> Sink:
    """The sink for `--format`."""
    return JsonLinesSink(stream) if output is Format.JSONL else TextSink(stream)


class TextSink:
    """One line a frame: source, labels with scores, milliseconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, result: Result) -> None:
        """Write one line."""
        answers = ", ".join(f"{each.label} {each.score:.2f}" for each in result.predictions) or "unknown"
        _write_line(self._stream, f"{result.frame.source}: {answers} ({result.timing.total:.1f} ms)")


class JsonLinesSink:
    """One JSON object a frame.

    Keys: `frame_id`, `timestamp_ms` (since 1970), `source`, `predictions` (index, label, score; best first)
    and `timing_ms` (resize, invoke, postprocess, total).
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, result: Result) -> None:
        """Write one line."""
        timing = result.timing
        line = {
            "frame_id": result.frame.index,
            "timestamp_ms": round(result.frame.wall_time * 1000),
            "source": result.frame.source,
            "predictions": [
                {"index": each.index, "label": each.label, "score": round(each.score, 6)}
                for each in result.predictions
            ],
            "timing_ms": {
                "resize": round(timing.resize, 3),
                "invoke": round(timing.invoke, 3),
                "postprocess": round(timing.postprocess, 3),
                "total": round(timing.total, 3),
            },
        }
        _write_line(self._stream, json.dumps(line, ensure_ascii=False))


def _write_line(stream: TextIO, line: str) -> None:
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError("the reader of the output has gone away") from error
    except OSError as error:
        name = getattr(stream, "name", "the output")
        raise OutputError(f"cannot write to {name}: {error.strerror or error}") from error
