"""Where results go: readable text, or JSON lines."""

import json
from enum import StrEnum
from typing import Protocol, TextIO

from edge_runtime.values import Result


class Format(StrEnum):
    """How `edge-classify` prints."""

    TEXT = "text"
    JSONL = "jsonl"


class Sink(Protocol):
    """Takes results, one at a time."""

    def emit(self, result: Result) -> None:
        """Hand over one result."""
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
        self._stream.write(f"{result.frame.source}: {answers} ({result.timing.total:.1f} ms)\n")
        self._stream.flush()


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
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()
