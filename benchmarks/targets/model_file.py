"""A model file in the device's own classifier as a target."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.targets.operator_times import OperatorTime, profile_openvino
from benchmarks.targets.spec import Steps
from edge_runtime.core import Frame, Image, Scores, clock
from edge_runtime.inference import LoadOptions, OpenVinoEngine, engine_version, load_model
from edge_runtime.model import ModelFile, read_model_file
from edge_runtime.system import default_threads


class ModelFileTarget:
    """A `.tflite` in the device's own classifier.

    Args:
        path: the model file.
        engine: the first installed when None.
        num_threads: all cores, at most 4, when None.
        classes: whose scores are wanted, in this order, 0 for those that the model does not have; then comes
            that of images of no class, where the model has one. The model's own classes when empty.
    """

    def __init__(
        self, path: Path, *, engine: str | None, num_threads: int | None, classes: tuple[str, ...] = ()
    ) -> None:
        file = read_model_file(path)
        options = LoadOptions(engine=engine, num_threads=num_threads or default_threads())
        self._model = load_model(file, options)
        self._classifier = self._model.classifier
        name = self._classifier.engine.name
        self.engine = f"{name} {engine_version(name)}"
        self.num_threads: int | None = self._classifier.engine.num_threads
        self.size_bytes = len(file.content)
        self.at_least = self._classifier.at_least
        self._order = _order(file, classes)

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        scores = self._classifier.scores(image)
        if self._order is None:
            return scores
        # The last one is for the classes that the model does not have.
        return np.append(scores, np.float32(0.0))[self._order]

    def steps(self, image: Image) -> Steps:
        """See `Target.steps`."""
        timing = self._classifier.observe(Frame(image, 0, clock.now(), 0.0, "benchmark")).timing
        return Steps(timing.resize, timing.invoke, timing.postprocess)

    def operators(self) -> list[OperatorTime]:
        """See `Target.operators`."""
        engine = self._classifier.engine
        if not isinstance(engine, OpenVinoEngine):
            return []
        return profile_openvino(self._model.file.content, engine.num_threads, **engine.options)


def classes_of(file: ModelFile) -> tuple[str, ...]:
    """The labels of a model file without the one for images of no class."""
    return file.labels[:-1] if file.card is not None and file.card.rejection else file.labels


def _order(file: ModelFile, classes: tuple[str, ...]) -> NDArray[np.int64] | None:
    """The position of each wanted score; None where they are in that order already."""
    own = classes_of(file)
    if not classes or own == classes:
        return None
    missing = len(file.labels)
    wanted = [own.index(label) if label in own else missing for label in classes]
    return np.array([*wanted, *range(len(own), missing)], np.int64)
