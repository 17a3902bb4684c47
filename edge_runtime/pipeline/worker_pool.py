"""Classify the images of a folder, or the frames of a video file, in several threads.

Where no answer is waited for, one single-threaded engine per core gives more throughput than one engine with
many threads.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.core import Frame, ImageError, Result, group_size, in_groups, map_in_order
from edge_runtime.images import read_image
from edge_runtime.inference import Classifier, LoadedModel
from edge_runtime.pipeline.hot_reload import HotReload
from edge_runtime.pipeline.throttling import Throttle
from edge_runtime.sources import FolderSource, new_frame

Group = tuple[LoadedModel, list[Frame | None]]
"""Frames that one thread classifies, with the model."""


NumberedFiles = list[tuple[int, Path]]
"""Files that one thread reads and classifies."""


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

    def observe_folder(self, folder: FolderSource, top_k: int, throttle: Throttle) -> Iterator[Result | None]:
        """The same for all images of a folder: the thread that reads an image classifies it.

        Handing a small image to another thread takes as long as reading it.

        Raises:
            SourceError: no image can be read.
        """
        return folder.readable(self._outcomes(folder, top_k, throttle))

    def _outcomes(
        self, folder: FolderSource, top_k: int, throttle: Throttle
    ) -> Iterator[Result | ImageError | None]:
        size = 1

        def groups() -> Iterator[tuple[LoadedModel, NumberedFiles | None]]:
            for files in throttle(in_groups(enumerate(folder.paths), lambda: size)):
                self._model.look()
                yield self._model.current, files

        for future in map_in_order(
            lambda group: self._read_and_observe(*group, top_k),
            groups(),
            threads=self._workers,
            ahead=self._workers,
        ):
            for outcome in future.result():
                if isinstance(outcome, Result):
                    size = group_size(outcome.frame.image.nbytes)
                yield outcome

    def _read_and_observe(
        self, model: LoadedModel, files: NumberedFiles | None, top_k: int
    ) -> list[Result | ImageError | None]:
        if files is None:
            return [None]
        classifier = self._classifier(model)
        outcomes: list[Result | ImageError | None] = []
        for index, path in files:
            try:
                image = read_image(path, at_least=classifier.at_least)
            except ImageError as error:
                outcomes.append(error)
            else:
                outcomes.append(classifier.observe(new_frame(image, index, str(path)), top_k))
        return outcomes

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
        return list(self._classifier(model).observe_all(iter(frames), top_k))

    def _classifier(self, model: LoadedModel) -> Classifier:
        """This thread's own."""
        if getattr(self._own, "model", None) is not model:
            self._own.model, self._own.classifier = model, model.copy_for_thread()
        classifier: Classifier = self._own.classifier
        return classifier
