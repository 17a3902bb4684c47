"""One run of `edge-classify`: source → stages → sinks, put together from the options."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from edge_runtime.core import Frame, ModelError, Result, Say, full_size, is_there
from edge_runtime.drift import DriftMonitor
from edge_runtime.images import Region, Transform, is_image_name
from edge_runtime.inference import (
    ActivationMaps,
    Delegate,
    Heatmaps,
    LoadedModel,
    LoadOptions,
    load_model,
    parse_input_range,
)
from edge_runtime.model import read_model_file
from edge_runtime.pipeline.config import ClassifyConfig
from edge_runtime.pipeline.frame_rate import FrameRate
from edge_runtime.pipeline.hot_reload import HotReload
from edge_runtime.pipeline.loop import Observer, emit, limit
from edge_runtime.pipeline.sink_factory import Outputs, open_outputs
from edge_runtime.pipeline.smoothing import Decision
from edge_runtime.pipeline.throttling import Throttle, every
from edge_runtime.pipeline.worker_pool import WorkerPool
from edge_runtime.sinks import MonitoringSink, RunSnapshot
from edge_runtime.sources import InputOptions, LiveSource, Patience, Source, camera_request, open_input
from edge_runtime.system import Notifier


class Session:
    """A source, a model and sinks at work.

    Args:
        config: the options.
        say: shows a line that the user should know.
        further: sinks beside those of the options, which also get the state of the run.
    """

    def __init__(self, config: ClassifyConfig, say: Say, further: Sequence[MonitoringSink] = ()) -> None:
        self._config = config
        self._say = say
        self._further = tuple(further)
        self._rate = FrameRate()
        self._notifier = Notifier()

    def run(self) -> None:
        """Classify until the source ends.

        Raises:
            EdgeError: with its exit code.
        """
        with contextlib.ExitStack() as stack:
            model = HotReload(model_path(self._config), self._load, say=self._say)
            source = stack.enter_context(_open_source(self._config, model, self._say))
            if self._config.heatmap:
                ActivationMaps(model.current)  # refuses a model that has none
            heatmaps = Heatmaps(lambda: model.current)
            outputs = open_outputs(
                self._config,
                stack,
                self._say,
                total=source.total,
                draw_heatmap=heatmaps.draw,
                further=self._further,
            )
            stack.callback(self._notifier.stopping)
            drift = DriftMonitor(lambda: model.current.file.card, self._say)
            for result in self._results(source, model, drift, outputs):
                self._report(result, source, model, drift, outputs)

    def _results(
        self, source: Source, model: HotReload, drift: DriftMonitor, outputs: Outputs
    ) -> Iterator[Result | None]:
        """The whole pipeline, one stage a line."""
        config = self._config
        frames: Iterator[Frame | None] = source.events()
        frames = every(frames, config.every)
        frames = Throttle(config.fps, say=self._say)(frames)
        frames = _transform(config)(frames)
        frames = limit(frames, config.max_frames)
        results = _observer(config, model, source).observe_all(frames, config.top_k)
        results = drift(results)
        results = Decision(config.threshold, config.smooth)(results)
        return emit(results, outputs.sinks)

    def _report(
        self,
        result: Result | None,
        source: Source,
        model: HotReload,
        drift: DriftMonitor,
        outputs: Outputs,
    ) -> None:
        """Report to systemd and to the monitors after each event."""
        self._notifier.beat()
        status = source.status
        if result is not None:
            self._rate.count()
            self._notifier.ready()
            text = f"{self._rate.value:.1f} frames/s, {result.answer}, {result.frame.source}"
            self._notifier.status(text)
        elif status.lost:
            self._notifier.status(f"waiting for {status.name}")
        if outputs.monitors:
            dropped = {sink.name: sink.dropped for sink in outputs.queueing}
            snapshot = RunSnapshot(model.current.file.sha256, status, self._rate.value, dropped, drift.status)
            for monitor in outputs.monitors:
                monitor.publish(snapshot)

    def _load(self, running: LoadedModel | None) -> LoadedModel:
        if running is None:
            return load_configured_model(self._config, tune_threads=not is_one_image(self._config))
        # Frames are being classified: nothing is measured now.
        return load_configured_model(self._config, fallback_threads=running.classifier.engine.num_threads)


def load_configured_model(
    config: ClassifyConfig, *, tune_threads: bool = False, fallback_threads: int | None = None
) -> LoadedModel:
    """Load the model that the options name.

    Args:
        config: the options.
        tune_threads: see `load_model`.
        fallback_threads: see `load_model`.

    Raises:
        ModelError: there is no model file, or it cannot be used.
    """
    path = model_path(config)
    if not is_there(path):
        raise ModelError(
            f"{path}: no such model file: name one with --model FILE or $EDGE_MODEL; "
            "to make one: edge-train IMAGES --out run, then edge-convert run --out model.tflite"
        )
    options = LoadOptions(
        engine=config.engine,
        num_threads=config.num_threads,
        input_range=parse_input_range(config.input_range) if config.input_range is not None else None,
        delegate=Delegate.parse(config.delegate) if config.delegate else None,
    )
    file = read_model_file(path, config.labels)
    return load_model(file, options, tune_threads=tune_threads, fallback_threads=fallback_threads)


def is_one_image(config: ClassifyConfig) -> bool:
    """Whether the input ends so soon that measuring threads does not pay."""
    return config.input is not None and is_image_name(Path(config.input))


def model_path(config: ClassifyConfig) -> Path:
    """`--model`, else `$EDGE_MODEL`, else `model.tflite` in the current folder."""
    return config.model or Path(os.environ.get("EDGE_MODEL") or "model.tflite")


def _open_source(config: ClassifyConfig, model: HotReload, say: Say) -> Source:
    patience = Patience(config.lost_after, config.give_up_after, config.wait)
    if config.camera is not None:
        request = dataclasses.replace(
            camera_request(config.camera),
            width=config.width,
            height=config.height,
            frame_rate=config.frame_rate,
            pixel_format=config.pixel_format,
            skip_repeated=not config.allow_repeated_frames,
        )
        return LiveSource(request, patience=patience, say=say)
    options = InputOptions(
        # A region is given in pixels of the full size.
        hint=full_size if config.roi else lambda: model.current.classifier.at_least,
        watch=config.watch,
        ahead=_workers(config),
        patience=patience,
        skip_repeated=not config.allow_repeated_frames,
    )
    return open_input(cast(str, config.input), say=say, options=options)


def _transform(config: ClassifyConfig) -> Transform:
    return Transform(config.rotate, config.flip, Region.parse(config.roi) if config.roi else None)


def _observer(config: ClassifyConfig, model: HotReload, source: Source) -> Observer:
    workers = _workers(config)
    # A delegate's device, and a number of threads that was asked for, are for one engine.
    one_engine = workers == 1 or config.delegate or config.num_threads
    return model if one_engine or source.total is None else WorkerPool(model, workers)


def _workers(config: ClassifyConfig) -> int:
    return config.workers or len(os.sched_getaffinity(0))
