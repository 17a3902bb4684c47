"""Open the sinks that the options of `edge-classify` name."""

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from edge_runtime.core import MissingLibraryError, OutputError, Say, UsageError, read_file
from edge_runtime.pipeline.config import ClassifyConfig, Format
from edge_runtime.sinks import (
    CSV_COLUMNS,
    CsvSink,
    DrawHeatmap,
    JsonLinesSink,
    Monitor,
    MonitoringSink,
    OnChange,
    QueueingSink,
    RotatingFile,
    SavedFramesSink,
    Sink,
    TextSink,
)

MAX_PASSWORD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Outputs:
    """The open sinks of a run.

    Attributes:
        sinks: all of them; each gets every result.
        queueing: those with a queue that can be full.
        monitors: those that show the state of the run.
    """

    sinks: tuple[Sink, ...]
    queueing: tuple[QueueingSink, ...]
    monitors: tuple[Monitor, ...]


def open_outputs(
    config: ClassifyConfig,
    stack: contextlib.ExitStack,
    say: Say,
    *,
    total: int | None,
    draw_heatmap: DrawHeatmap,
    further: Sequence[MonitoringSink] = (),
) -> Outputs:
    """Open all sinks; with `--on-change` those that report get only changes.

    Args:
        config: the options.
        stack: closes them.
        say: shows a line that the user should know.
        total: how many frames there are, where that is known.
        draw_heatmap: draws where the evidence for an answer is, for the sinks that show it.
        further: sinks beside those of the options, which also get the state of the run.

    Raises:
        EdgeError: one cannot be opened.
    """
    factory = _Factory(config, stack, say)
    for name in config.to or (config.format.value,):
        factory.open_report(name)
    if config.save_frames is not None:
        limit = int(config.save_limit_mb * 1e6)
        draw = draw_heatmap if config.heatmap else None
        factory.add_report(
            SavedFramesSink(config.save_frames, config.save_when, max_bytes=limit, draw_heatmap=draw)
        )
    if config.preview is not None:
        factory.open_preview(config.preview, draw_heatmap)
    if config.show:
        from edge_runtime.sinks.window import WindowSink

        factory.add(WindowSink())
    if total is not None and sys.stderr.isatty() and not (sys.stdout and sys.stdout.isatty()):
        from edge_runtime.sinks.progress_bar import ProgressSink

        factory.add(ProgressSink(total))
    for sink in further:
        factory.add(sink)
        factory.monitors.append(sink)
    return Outputs(tuple(factory.sinks), tuple(factory.queueing), tuple(factory.monitors))


class _Factory:
    """Opens sinks one after the other and collects them."""

    def __init__(self, config: ClassifyConfig, stack: contextlib.ExitStack, say: Say) -> None:
        self._config = config
        self._stack = stack
        self._say = say
        self.sinks: list[Sink] = []
        self.queueing: list[QueueingSink] = []
        self.monitors: list[Monitor] = []

    def add(self, sink: Sink) -> None:
        """Take a sink that gets every result."""
        self.sinks.append(self._stack.enter_context(sink))

    def add_report(self, sink: Sink) -> None:
        """Take a sink that gets every result, or only changes with `--on-change`."""
        self._stack.enter_context(sink)
        self.sinks.append(OnChange(sink) if self._config.on_change else sink)

    def open_report(self, name: str) -> None:
        """Open one of the sinks that `--to` takes."""
        kind, colon, where = name.partition(":")
        if kind in ("mqtt", "mqtts") and colon:
            self._open_mqtt(name)
        elif kind == Format.TEXT and not colon:
            self.add_report(TextSink(_stdout(), colored=_stdout().isatty()))
        elif kind == Format.JSONL:
            self.add_report(JsonLinesSink(self._file(where) if colon else _stdout()))
        elif kind == Format.CSV and colon:
            self.add_report(CsvSink(self._file(where, header=",".join(CSV_COLUMNS)), header=False))
        elif kind == Format.CSV:
            self.add_report(CsvSink(_stdout()))
        else:
            raise UsageError(
                f"--to takes text, jsonl, csv, jsonl:FILE, csv:FILE or mqtt://HOST/TOPIC; got {name!r}"
            )

    def open_preview(self, port: int, draw_heatmap: DrawHeatmap) -> None:
        """Open the web page, and the metrics where their library is installed."""
        from edge_runtime.serving import WebAddress
        from edge_runtime.sinks.metrics import Metrics
        from edge_runtime.sinks.web import WebSink

        metrics = None
        with contextlib.suppress(MissingLibraryError):
            metrics = Metrics()
            self.add(metrics)
            self.monitors.append(metrics)
        token = os.environ.get("EDGE_PREVIEW_TOKEN") or None
        web = WebSink(WebAddress(port, self._config.preview_host, token), metrics, draw_heatmap)
        self._say(f"preview: {web.url}")
        self.add(web)
        self.monitors.append(web)

    def _open_mqtt(self, url: str) -> None:
        from edge_runtime.sinks.mqtt import Broker, MqttSink

        config = self._config
        broker = Broker.parse(
            url, password=_mqtt_password(config), ca_file=config.mqtt_ca, discovery=config.mqtt_discovery
        )
        sink = MqttSink(broker, say=self._say, retain=config.on_change, updates=config.update is not None)
        self.queueing.append(sink)
        self.monitors.append(sink)
        self.add_report(sink)

    def _file(self, where: str, *, header: str = "") -> TextIO:
        if not where:
            raise UsageError("--to jsonl:FILE needs a file name after the colon")
        size = int(self._config.rotate_mb * 1e6)
        file = RotatingFile(Path(where), max_bytes=size, keep=self._config.rotate_keep, header=header)
        return cast(TextIO, self._stack.enter_context(file))


def _stdout() -> TextIO:
    if sys.stdout is None:
        raise OutputError("stdout is closed; name where results go with --to jsonl:FILE or another")
    return sys.stdout


def _mqtt_password(config: ClassifyConfig) -> str | None:
    if config.mqtt_password_file is None:
        return os.environ.get("EDGE_MQTT_PASSWORD")
    content = read_file(config.mqtt_password_file, max_bytes=MAX_PASSWORD_BYTES, error=UsageError)
    return content.decode("utf-8", "replace").strip()
