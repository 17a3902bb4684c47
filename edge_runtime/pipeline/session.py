"""One run of `edge-classify`: everything that its options name, put together, and taken apart at the end."""

import contextlib
import dataclasses
import math
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from edge_runtime.core import clock
from edge_runtime.core.errors import UsageError
from edge_runtime.core.types import Frame, Result
from edge_runtime.images.codec import is_image_name
from edge_runtime.images.transforms import Region, View
from edge_runtime.inference.classifier import Classifier
from edge_runtime.inference.engines import Delegate
from edge_runtime.inference.input_encoding import InputRange
from edge_runtime.inference.sandbox import prove_model
from edge_runtime.inference.thread_tuning import fastest_threads, remembered_threads
from edge_runtime.model.model_file import read_model_file
from edge_runtime.pipeline.config import ClassifyConfig
from edge_runtime.pipeline.hot_reload import ModelWatch
from edge_runtime.pipeline.loop import Observer, classify_frames
from edge_runtime.pipeline.sink_factory import open_sinks
from edge_runtime.pipeline.smoothing import Decision
from edge_runtime.pipeline.throttling import Pace, every, paced
from edge_runtime.pipeline.worker_pool import Crew
from edge_runtime.sinks.text import UNKNOWN
from edge_runtime.sources import FolderSource, LiveSource, Patience, Source, camera_request, open_input
from edge_runtime.sources.base import Say, full_size
from edge_runtime.system.systemd import Notifier


class Session:
    """A source, a model and sinks at work.

    Args:
        config: the options.
        say: gets a line for what the user should know.
    """

    def __init__(self, config: ClassifyConfig, say: Say) -> None:
        self._config = config
        self._say = say
        self._notifier = Notifier()
        self._pace = Pace(config.fps, say=say)
        self._moments: deque[float] = deque(maxlen=30)
        self._model: ModelWatch | None = None
        self._source: Source | None = None

    def run(self) -> int:
        """Classify until the source ends; returns the number of frames.

        Raises:
            EdgeError: what its exit code says.
        """
        config = self._config
        with contextlib.ExitStack() as held:
            self._model = ModelWatch(model_path(config), self._load, say=self._say)
            self._source = held.enter_context(self._open_source(self._model))
            sinks = open_sinks(config, held, self._say, source=self._source, model=self._model)
            held.callback(self._notifier.stopping)
            return classify_frames(
                self._frames(self._source),
                self._observer(self._model, self._source),
                sinks,
                top_k=config.top_k,
                decision=Decision(config.threshold, config.smooth),
                max_frames=config.max_frames,
                done=self._done,
            )

    def _observer(self, model: ModelWatch, source: Source) -> Observer:
        workers = self._workers()
        # A delegate's device, and threads that were asked for, are for one model.
        alone = workers == 1 or self._config.delegate or self._config.num_threads
        return model if alone or not isinstance(source, FolderSource) else Crew(model, workers)

    def _workers(self) -> int:
        return self._config.workers or len(os.sched_getaffinity(0))

    def _frames(self, source: Source) -> Iterable[Frame]:
        config = self._config
        region = Region.parse(config.roi) if config.roi else None
        view = View(config.rotate, config.flip, region)
        return view.apply(paced(every(source, config.every), self._pace, self._idle))

    def _done(self, result: Result) -> None:
        self._pace.worked(result.timing.total / 1000)
        self._moments.append(clock.now())
        self._notifier.ready()
        self._notifier.beat()
        self._notifier.status(
            f"{self._rate():.1f} frames/s, {result.answer or UNKNOWN}, {result.frame.source}"
        )

    def _idle(self) -> None:
        self._notifier.beat()
        if self._model is not None:
            self._model.look()
        if isinstance(self._source, LiveSource) and self._source.lost:
            self._notifier.status(f"waiting for {self._source.name}")

    def _rate(self) -> float:
        if len(self._moments) < 2:
            return 0.0
        return (len(self._moments) - 1) / max(1e-9, self._moments[-1] - self._moments[0])

    def _load(self, path: Path) -> Classifier:
        config = dataclasses.replace(self._config, model=path)
        if self._model is not None:
            # Frames are being classified: times measured beside them would be wrong, and kept for good.
            return open_classifier(config, threads=self._model.current.engine.num_threads)
        return open_classifier(config, many_frames=not is_one_picture(config))

    def _open_source(self, model: ModelWatch) -> Source:
        config = self._config
        patience = Patience(config.lost_after, config.give_up_after, config.wait)
        if config.camera is not None:
            request = dataclasses.replace(
                camera_request(config.camera),
                width=config.width,
                height=config.height,
                frame_rate=config.frame_rate,
                pixel_format=config.pixel_format,
                skip_repeated=not config.same_is_new,
            )
            return LiveSource(request, patience=patience, say=self._say, idle=self._idle)
        return open_input(
            cast(str, config.input),
            say=self._say,
            # A region is given in the pixels of the whole picture.
            hint=full_size if config.roi else lambda: model.current.at_least,
            watch=config.watch,
            ahead=self._workers(),
            patience=patience,
            skip_repeated=not config.same_is_new,
            idle=self._idle,
        )


def open_classifier(
    config: ClassifyConfig, *, many_frames: bool = False, threads: int | None = None
) -> Classifier:
    """The classifier that the options name.

    Args:
        config: the options.
        many_frames: whether it is worth while to measure the best number of threads, where none is given.
        threads: how many where the options name none and none were measured before.

    Raises:
        EdgeError: the model cannot be used.
    """
    file = read_model_file(model_path(config), config.labels)
    threads = config.num_threads or remembered_threads(file, config.engine) or threads
    delegate = Delegate.parse(config.delegate) if config.delegate else None
    if threads is None and delegate is None and many_frames:
        prove_model(file.content, name=file.name, engine=config.engine)
        threads = fastest_threads(file, config.engine)
    return Classifier(
        file,
        engine=config.engine,
        num_threads=threads,
        expected=_parse_range(config.input_range),
        delegate=delegate,
    )


def is_one_picture(config: ClassifyConfig) -> bool:
    """Whether the input ends so soon that no preparation for many frames pays."""
    return config.input is not None and is_image_name(Path(config.input))


def model_path(config: ClassifyConfig) -> Path:
    """`--model`, else `$EDGE_MODEL`, else `model.tflite` in this folder."""
    return config.model or Path(os.environ.get("EDGE_MODEL") or "model.tflite")


def _parse_range(text: str | None) -> InputRange | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--input-range takes LOW,HIGH such as -1,1; got {text!r}") from error
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"--input-range: two numbers are needed, the first the smaller one; got {text!r}")
    return low, high
