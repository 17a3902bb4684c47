"""One run of `edge-classify`: source → stages → sinks, put together from the options."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.core import ModelError, Result, Say, full_size, is_there, lock_folder, make_folder
from edge_runtime.drift import DriftMonitor
from edge_runtime.images import is_image_name
from edge_runtime.inference import (
    ActivationMaps,
    Delegate,
    Heatmaps,
    LoadedModel,
    LoadOptions,
    load_model,
    parse_input_range,
)
from edge_runtime.model import ModelFile, read_model_file
from edge_runtime.pipeline.config import ClassifyConfig
from edge_runtime.pipeline.frame_rate import FrameRate
from edge_runtime.pipeline.frames import choose_frames, open_source, takes_every_image
from edge_runtime.pipeline.hot_reload import HotReload
from edge_runtime.pipeline.loop import Observer, Stage, emit, shorten
from edge_runtime.pipeline.sink_factory import Outputs, open_outputs
from edge_runtime.pipeline.smoothing import Decision
from edge_runtime.pipeline.throttling import Throttle
from edge_runtime.pipeline.worker_pool import WorkerPool
from edge_runtime.sinks import MonitoringSink, RunSnapshot
from edge_runtime.sources import FolderSource, Source
from edge_runtime.system import Notifier

if TYPE_CHECKING:
    from edge_runtime.collection import Collector
    from edge_runtime.trust import TrustedModels
    from edge_runtime.update import Updates


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
            trusted = trusted_models(self._config)
            updates = self._open_updates(trusted)
            swapped = updates.swapped if updates else _remember(trusted)
            load = partial(self._load, trusted)
            model = HotReload(model_path(self._config), load, say=self._say, swapped=swapped)
            source = stack.enter_context(self._open_source(model))
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
            stages: list[Stage] = [drift, *self._collector(stack, source, model)]
            results = self._results(source, model, stages, outputs)
            if updates:
                options = load_options(self._config)
                updates.start(lambda: model.current, partial(load_beside, options, lambda: model.current))
                stack.callback(updates.close)
                results = updates.watch(results, lambda: drift.status.changes if drift.status else ())
            for result in results:
                self._report(result, source, model, drift, outputs, updates)

    def _results(
        self, source: Source, model: HotReload, stages: Sequence[Stage], outputs: Outputs
    ) -> Iterator[Result | None]:
        """The whole pipeline, one stage a line."""
        config = self._config
        # What is worth a label is decided by the two best scores.
        top_k = config.top_k if config.collect is None else max(config.top_k, 2)
        results = self._observe(_observer(config, model, source), source, top_k)
        for stage in stages:
            results = stage(results)
        if top_k > config.top_k:
            results = shorten(results, config.top_k)
        results = Decision(config.threshold, config.smooth)(results)
        return emit(results, outputs.sinks)

    def _observe(self, observer: Observer, source: Source, top_k: int) -> Iterator[Result | None]:
        config, say = self._config, self._say
        whole_folder = config.collect is None and takes_every_image(config)
        if whole_folder and isinstance(observer, WorkerPool) and isinstance(source, FolderSource):
            return observer.observe_folder(source, top_k, Throttle(None, say=say))
        return observer.observe_all(choose_frames(source.events(), config, say), top_k)

    def _open_source(self, model: HotReload) -> Source:
        config = self._config
        # A region is given in pixels of the full size, and a collection is trained on.
        whole = config.roi is not None or config.collect is not None
        hint = full_size if whole else lambda: model.current.classifier.at_least
        return open_source(config, self._say, hint=hint, ahead=_workers(config))

    def _collector(
        self, stack: contextlib.ExitStack, source: Source, model: HotReload
    ) -> "tuple[Collector, ...]":
        """The stage that saves frames for labelling, if they are collected."""
        config = self._config
        if config.collect is None:
            return ()
        from edge_runtime.collection import Collector

        stack.enter_context(lock_folder(make_folder(config.collect)))
        collector = Collector(
            config.collect,
            config.limits,
            seconds_apart=config.collect_seconds,
            model=lambda: model.current,
            say=self._say,
            every_frame=source.total is not None,
        )
        return (collector,)

    def _report(
        self,
        result: Result | None,
        source: Source,
        model: HotReload,
        drift: DriftMonitor,
        outputs: Outputs,
        updates: "Updates | None",
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
            snapshot = RunSnapshot(
                model.current.file.sha256,
                status,
                self._rate.value,
                dropped,
                drift.status,
                updates.status if updates else None,
            )
            for monitor in outputs.monitors:
                monitor.publish(snapshot)

    def _open_updates(self, trusted: "TrustedModels | None") -> "Updates | None":
        config = self._config
        if config.update is None or trusted is None:
            return None
        from edge_runtime.update import Updates, open_remote

        path = model_path(config)
        remote = open_remote(config.update, path.name)
        updates = Updates(
            remote, path, trusted, say=self._say, every=config.update_every, trial=config.update_trial
        )
        options = load_options(config)
        updates.prepare(lambda file: load_model(file, options))
        return updates

    def _load(self, trusted: "TrustedModels | None", running: LoadedModel | None) -> LoadedModel:
        if running is None:
            tune = not is_one_image(self._config)
            return load_configured_model(self._config, trusted, tune_threads=tune)
        # Frames are being classified: nothing is measured now.
        threads = running.classifier.engine.num_threads
        return load_configured_model(self._config, trusted, fallback_threads=threads)


def load_configured_model(
    config: ClassifyConfig,
    trusted: "TrustedModels | None" = None,
    *,
    tune_threads: bool = False,
    fallback_threads: int | None = None,
) -> LoadedModel:
    """Load the model that the options name.

    Args:
        config: the options.
        trusted: see `trusted_models`; a model file that it refuses is not loaded.
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
    file = read_model_file(path, config.labels)
    if trusted is not None:
        trusted.check(file)
    options = load_options(config)
    return load_model(file, options, tune_threads=tune_threads, fallback_threads=fallback_threads)


def load_options(config: ClassifyConfig) -> LoadOptions:
    """How the options say that a model file is loaded."""
    return LoadOptions(
        engine=config.engine,
        num_threads=config.num_threads,
        input_range=parse_input_range(config.input_range) if config.input_range is not None else None,
        delegate=Delegate.parse(config.delegate) if config.delegate else None,
    )


def load_beside(options: LoadOptions, current: Callable[[], LoadedModel], file: ModelFile) -> LoadedModel:
    """Load another model file while a model runs."""
    return load_model(file, options, fallback_threads=current().classifier.engine.num_threads)


def trusted_models(config: ClassifyConfig) -> "TrustedModels | None":
    """What `--trust` allows to run; None where every model may.

    Raises:
        EdgeError: the keys, or what is remembered of the models before, cannot be used.
    """
    if config.trust is None:
        return None
    from edge_runtime.trust import TrustedModels, read_public_keys

    return TrustedModels.of_model(read_public_keys(config.trust), model_path(config))


def is_one_image(config: ClassifyConfig) -> bool:
    """Whether the input ends so soon that measuring threads does not pay."""
    return config.input is not None and is_image_name(Path(config.input))


def model_path(config: ClassifyConfig) -> Path:
    """`--model`, else `$EDGE_MODEL`, else `model.tflite` in the current folder."""
    return config.model or Path(os.environ.get("EDGE_MODEL") or "model.tflite")


def _remember(trusted: "TrustedModels | None") -> Callable[[LoadedModel], None]:
    """Called with each model that runs: no older one is taken afterwards."""

    def swapped(model: LoadedModel) -> None:
        if trusted is not None:
            trusted.accept(trusted.check(model.file))

    return swapped


def _observer(config: ClassifyConfig, model: HotReload, source: Source) -> Observer:
    workers = _workers(config)
    # A delegate's device, and a number of threads that was asked for, are for one engine.
    one_engine = workers == 1 or config.delegate or config.num_threads
    return model if one_engine or source.total is None else WorkerPool(model, workers)


def _workers(config: ClassifyConfig) -> int:
    return config.workers or len(os.sched_getaffinity(0))
