"""Where results go: text, JSON lines, CSV, MQTT, a web page, a window, saved pictures."""

from edge_runtime.sinks.base import OnChange, Sink
from edge_runtime.sinks.json_lines import CsvSink, JsonLinesSink
from edge_runtime.sinks.text import TextSink

__all__ = ["CsvSink", "JsonLinesSink", "OnChange", "Sink", "TextSink"]
