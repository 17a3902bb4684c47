"""Results as JSON lines and as CSV."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any, TextIO

from edge_runtime.core import Result
from edge_runtime.sinks.base import SinkBase, write_line

CSV_COLUMNS = ("time", "source", "frame_id", "answer", "label", "score", "age_ms", "total_ms")


def to_dict(result: Result) -> dict[str, Any]:
    """A result as plain values for JSON.

    Keys: `frame_id`, `timestamp_ms` (since 1970), `source`, `answer` (a label, or `unknown`), `predictions`
    (index, label, score; best first), `age_ms` (from the capture to the start of the classification) and
    `timing_ms` (resize, invoke, postprocess, total).
    """
    timing = result.timing
    return {
        "frame_id": result.frame.index,
        "timestamp_ms": round(result.frame.wall_time * 1000),
        "source": result.frame.source,
        "answer": result.answer,
        "predictions": [
            {"index": each.index, "label": each.label, "score": round(each.score, 6)}
            for each in result.predictions
        ],
        "age_ms": round(result.age, 3),
        "timing_ms": {
            "resize": round(timing.resize, 3),
            "invoke": round(timing.invoke, 3),
            "postprocess": round(timing.postprocess, 3),
            "total": round(timing.total, 3),
        },
    }


class JsonLinesSink(SinkBase):
    """Writes one JSON object a frame, with the keys of `to_dict`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, result: Result) -> None:
        """Write one line."""
        write_line(self._stream, json.dumps(to_dict(result), ensure_ascii=False))


class CsvSink(SinkBase):
    """Writes one row a frame, with the columns of `CSV_COLUMNS`."""

    def __init__(self, stream: TextIO, *, header: bool = True) -> None:
        self._stream = stream
        if header:
            write_line(stream, ",".join(CSV_COLUMNS))

    def emit(self, result: Result) -> None:
        """Write one row."""
        best = result.predictions[0] if result.predictions else None
        moment = datetime.fromtimestamp(result.frame.wall_time, UTC).isoformat(timespec="milliseconds")
        row = io.StringIO()
        csv.writer(row, lineterminator="").writerow(
            (
                moment,
                result.frame.source,
                result.frame.index,
                result.answer,
                best.label if best else "",
                f"{best.score:.6f}" if best else "",
                f"{result.age:.3f}",
                f"{result.timing.total:.3f}",
            )
        )
        write_line(self._stream, row.getvalue())
