"""Classify the images of a folder in several threads.

Where no answer is waited for, one single-threaded engine per core gives more throughput than one engine with
many threads.
"""

import threading
from collections.abc import Iterator

from edge_runtime.core import Frame, Result, map_in_order
from edge_runtime.inference import LoadedModel
from edge_runtime.pipeline.hot_reload import HotReload


class WorkerPool:
    """A model in several threads, each with a classifier of its own.

    Args:
        model: the model; when its file is replaced, each thread takes the new one with its next frame.
        workers: threads.
    """

    def __init__(self, model: HotReload, workers: int) -> None:
        self._model = model
        self._workers = workers
        self._own = threading.local()

    def observe_all(self, frames: Iterator[Frame | None], top_k: int) -> Iterator[Result | None]:
        """The stage of the pipeline: results come in the order of the frames, a few frames later."""
        work = ((self._model.current, frame) for frame in self._model.frames(frames))
        for future in map_in_order(
            lambda each: self._observe(*each, top_k), work, threads=self._workers, ahead=self._workers
        ):
            yield future.result()

    def _observe(self, model: LoadedModel, frame: Frame | None, top_k: int) -> Result | None:
        if frame is None:
            return None
        if getattr(self._own, "model", None) is not model:
            self._own.model, self._own.classifier = model, model.copy_for_thread()
        result: Result = self._own.classifier.observe(frame, top_k)
        return result
