"""Classify the images of a folder in several threads.

Where no answer is waited for, one single-threaded engine per core gives more throughput than one engine with
many threads.
"""

import threading
from collections.abc import Iterator

from edge_runtime.core import Frame, Result, group_size, map_in_order
from edge_runtime.inference import LoadedModel
from edge_runtime.pipeline.hot_reload import HotReload

Group = tuple[LoadedModel, list[Frame | None]]
"""Frames that one thread classifies, with the model."""


class WorkerPool:
    """A model in several threads, each with a classifier of its own.

    Args:
        model: the model; when its file is replaced, each thread takes the new one with its next frames.
        workers: threads.
    """

    def __init__(self, model: HotReload, workers: int) -> None:
        self._model = model
        self._workers = workers
        self._own = threading.local()

    def observe_all(self, frames: Iterator[Frame | None], top_k: int) -> Iterator[Result | None]:
        """The stage of the pipeline: results come in the order of the frames, a few groups later."""
        for future in map_in_order(
            lambda group: self._observe(*group, top_k),
            self._groups(frames),
            threads=self._workers,
            ahead=self._workers,
        ):
            yield from future.result()

    def _groups(self, frames: Iterator[Frame | None]) -> Iterator[Group]:
        """Frames for the same model, as many as one thread takes at a time."""
        group: list[Frame | None] = []
        model = self._model.current
        for frame in self._model.frames(frames):
            if group and self._model.current is not model:
                yield model, group
                group = []
            model = self._model.current
            group.append(frame)
            if frame is None or len(group) >= group_size(frame.image.nbytes):
                yield model, group
                group = []
        if group:
            yield model, group

    def _observe(self, model: LoadedModel, frames: list[Frame | None], top_k: int) -> list[Result | None]:
        if getattr(self._own, "model", None) is not model:
            self._own.model, self._own.classifier = model, model.copy_for_thread()
        return list(self._own.classifier.observe_all(iter(frames), top_k))
