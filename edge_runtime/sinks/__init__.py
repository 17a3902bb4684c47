"""Where results go: text, JSON lines, CSV, saved frames.

MQTT, the web page, metrics, the window and the progress bar are imported where they are asked for.
"""

from edge_runtime.sinks.base import (
    DrawHeatmap,
    Monitor,
    MonitoringSink,
    OnChange,
    QueueingSink,
    RunSnapshot,
    Sink,
    SinkBase,
)
from edge_runtime.sinks.json_lines import CSV_COLUMNS, CsvSink, JsonLinesSink, to_dict
from edge_runtime.sinks.rotating_file import RotatingFile
from edge_runtime.sinks.saved_frames import SavedFramesSink, SaveWhen
from edge_runtime.sinks.text import TextSink

__all__ = [
    "CSV_COLUMNS",
    "CsvSink",
    "DrawHeatmap",
    "JsonLinesSink",
    "Monitor",
    "MonitoringSink",
    "OnChange",
    "QueueingSink",
    "RotatingFile",
    "RunSnapshot",
    "SaveWhen",
    "SavedFramesSink",
    "Sink",
    "SinkBase",
    "TextSink",
    "to_dict",
]
