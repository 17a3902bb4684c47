"""Classify the files of one chunk: a thread decodes and classifies, so that no image is handed over."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.archive.plan import Chunk
from edge_runtime.archive.shards import Row
from edge_runtime.core import ImageError, map_in_order
from edge_runtime.images import read_image
from edge_runtime.inference import Classifier, LoadedModel
from edge_runtime.pipeline import Decision
from edge_runtime.sources import new_frame

BLOCK = 32
"""Files that a thread takes at a time."""


@dataclass(frozen=True)
class Answering:
    """How files become rows.

    Attributes:
        root: the folder that file names are relative to.
        top_k: predictions of each image.
        threshold: smallest score of an answer.
    """

    root: Path
    top_k: int
    threshold: float


class ChunkClassifier:
    """Classifies chunks in threads that have a single-threaded engine each.

    Args:
        model: the loaded model.
        answering: how files become rows.
        threads: how many.
    """

    def __init__(self, model: LoadedModel, answering: Answering, threads: int) -> None:
        self._model = model
        self._answering = answering
        self._decision = Decision(answering.threshold)
        self._threads = threads
        self._own = threading.local()

    def classify(self, chunk: Chunk) -> list[Row]:
        """The rows of a chunk, in the order of its files."""
        blocks = [chunk.files[start : start + BLOCK] for start in range(0, len(chunk.files), BLOCK)]
        if self._threads == 1:
            return [row for block in blocks for row in self._rows(block)]
        done = map_in_order(self._rows, blocks, threads=self._threads, ahead=2 * self._threads)
        return [row for block in done for row in block.result()]

    def _rows(self, files: Sequence[str]) -> list[Row]:
        classifier = self._classifier()
        return [self._row(classifier, name) for name in files]

    def _row(self, classifier: Classifier, name: str) -> Row:
        answering = self._answering
        path = answering.root / name
        try:
            image = read_image(path, at_least=classifier.at_least)
        except ImageError as error:
            return Row(name, "", (), (), str(error))
        result = self._decision.decide(classifier.observe(new_frame(image, 0, name), answering.top_k))
        labels = tuple(each.label for each in result.predictions)
        return Row(name, result.answer, labels, tuple(each.score for each in result.predictions), "")

    def _classifier(self) -> Classifier:
        if not hasattr(self._own, "classifier"):
            self._own.classifier = self._model.copy_for_thread()
        classifier: Classifier = self._own.classifier
        return classifier
