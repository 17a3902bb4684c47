"""Several classifiers at work on a folder's pictures at once.

Where nothing waits for an answer, two cores do more with a picture each than together on one.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from edge_runtime.core.types import Frame, Result
from edge_runtime.inference.classifier import Classifier
from edge_runtime.pipeline.hot_reload import ModelWatch


class Crew:
    """A model in several threads, each with a classifier of its own.

    Args:
        model: the model; when its file is replaced, each thread takes the new one with its next frame.
        workers: threads.
    """

    def __init__(self, model: ModelWatch, workers: int) -> None:
        self._model = model
        self._workers = workers
        self._own = threading.local()

    def observe_all(self, frames: Iterable[Frame], top_k: int) -> Iterator[Result]:
        """Classify frames; the results come in the frames' order, a few frames later."""
        waiting: deque[Future[Result]] = deque()
        with ThreadPoolExecutor(self._workers) as threads:
            try:
                taken = iter(frames)
                while (frame := self._model.next_frame(taken)) is not None:
                    waiting.append(threads.submit(self._observe, self._model.current, frame, top_k))
                    if len(waiting) > self._workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _observe(self, model: Classifier, frame: Frame, top_k: int) -> Result:
        if getattr(self._own, "model", None) is not model:
            self._own.model, self._own.twin = model, model.twin()
        result: Result = self._own.twin.observe(frame, top_k)
        return result
