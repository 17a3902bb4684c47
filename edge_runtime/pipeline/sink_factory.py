"""The sinks that the options of `edge-classify` name."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, cast

from edge_runtime.core.errors import MissingLibraryError, OutputError, UsageError
from edge_runtime.pipeline.config import ClassifyConfig, Format
from edge_runtime.pipeline.hot_reload import ModelWatch
from edge_runtime.sinks.base import OnChange, Sink
from edge_runtime.sinks.json_lines import CSV_COLUMNS, CsvSink, JsonLinesSink
from edge_runtime.sinks.mqtt import PORTS, Broker, MqttSink
from edge_runtime.sinks.rotating_file import RotatingFile
from edge_runtime.sinks.saved_frames import SavedFramesSink
from edge_runtime.sinks.text import TextSink
from edge_runtime.sources import FolderSource, LiveSource, Source
from edge_runtime.sources.base import Say


def open_sinks(
    config: ClassifyConfig, held: contextlib.ExitStack, say: Say, *, source: Source, model: ModelWatch
) -> list[Sink]:
    """Open all sinks; with `--on-change` those that report get only changes.

    Args:
        config: the options.
        held: closes them.
        say: gets a line for what the user should know.
        source: counted in the metrics; a folder shows its progress.
        model: named in the metrics.

    Raises:
        EdgeError: one cannot be opened.
    """
    names = config.to or (config.format.value,)
    reporting = [_held(held, _open_report(name, config, held, say)) for name in names]
    if config.save_frames is not None:
        limit = int(config.save_limit_mb * 1e6)
        reporting.append(SavedFramesSink(config.save_frames, config.save_when, max_bytes=limit))
    drops = {sink.name: sink.count_dropped for sink in reporting if isinstance(sink, MqttSink)}
    sinks: list[Sink] = [OnChange(sink) if config.on_change else sink for sink in reporting]
    if config.preview is not None:
        sinks += _open_web(config, held, say, source, model, drops)
    if config.show:
        from edge_runtime.sinks.window import WindowSink

        sinks.append(_held(held, WindowSink()))
    if isinstance(source, FolderSource) and sys.stderr.isatty() and not (sys.stdout and sys.stdout.isatty()):
        from edge_runtime.sinks.progress_bar import ProgressSink

        sinks.append(_held(held, ProgressSink(len(source))))
    return sinks


def _held(held: contextlib.ExitStack, sink: Sink) -> Sink:
    held.callback(sink.close)
    return sink


def _open_report(name: str, config: ClassifyConfig, held: contextlib.ExitStack, say: Say) -> Sink:
    kind, colon, where = name.partition(":")
    if kind in PORTS and colon:
        return MqttSink(_broker(name, config), say=say, retain=config.on_change)
    if kind == Format.TEXT and not colon:
        return TextSink(_stdout(), rich=_stdout().isatty())
    if kind == Format.JSONL:
        return JsonLinesSink(_file(where, config, held) if colon else _stdout())
    if kind == Format.CSV:
        if not colon:
            return CsvSink(_stdout())
        return CsvSink(_file(where, config, held, CSV_COLUMNS), header=False)
    raise UsageError(f"--to takes text, jsonl, csv, jsonl:FILE, csv:FILE or mqtt://HOST/TOPIC; got {name!r}")


def _stdout() -> TextIO:
    if sys.stdout is None:
        raise OutputError("stdout is closed; name where results go with --to jsonl:FILE or another")
    return sys.stdout


def _file(
    where: str, config: ClassifyConfig, held: contextlib.ExitStack, columns: tuple[str, ...] = ()
) -> TextIO:
    if not where:
        raise UsageError("--to jsonl:FILE needs a file's name after the colon")
    size = int(config.rotate_mb * 1e6)
    file = RotatingFile(Path(where), max_bytes=size, keep=config.rotate_keep, header=",".join(columns))
    held.callback(file.close)
    return cast(TextIO, file)


def _broker(url: str, config: ClassifyConfig) -> Broker:
    password = os.environ.get("EDGE_MQTT_PASSWORD")
    if config.mqtt_password_file is not None:
        try:
            password = config.mqtt_password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(
                f"--mqtt-password-file {config.mqtt_password_file}: {error.strerror or error}"
            ) from error
    return Broker.parse(url, password=password, ca_file=config.mqtt_ca, discovery=config.mqtt_discovery)


def _open_web(
    config: ClassifyConfig,
    held: contextlib.ExitStack,
    say: Say,
    source: Source,
    model: ModelWatch,
    drops: dict[str, Callable[[], int]],
) -> list[Sink]:
    from edge_runtime.sinks.metrics import Metrics
    from edge_runtime.sinks.web import WebAddress, WebSink

    address = WebAddress(
        cast(int, config.preview), config.preview_host, os.environ.get("EDGE_PREVIEW_TOKEN") or None
    )
    counts = (lambda: source.counts) if isinstance(source, LiveSource) else None
    sinks: list[Sink] = []
    metrics = None
    with contextlib.suppress(MissingLibraryError):
        metrics = Metrics(model=lambda: model.current.model.sha256, counts=counts, drops=drops)
        sinks.append(metrics)
    web = WebSink(address, metrics)
    say(f"preview: {web.url}")
    return [*sinks, _held(held, web)]
