"""A model file in the device's own classifier as a target."""

from pathlib import Path

from benchmarks.targets.operator_times import OperatorTime, profile_openvino
from benchmarks.targets.spec import Steps
from edge_runtime.core import Frame, Image, Scores, clock
from edge_runtime.inference import LoadOptions, OpenVinoEngine, engine_version, load_model
from edge_runtime.model import read_model_file
from edge_runtime.system import default_threads


class ModelFileTarget:
    """A `.tflite` in the device's own classifier.

    Args:
        path: the model file.
        engine: the first installed when None.
        num_threads: all cores, at most 4, when None.
    """

    def __init__(self, path: Path, *, engine: str | None, num_threads: int | None) -> None:
        file = read_model_file(path)
        options = LoadOptions(engine=engine, num_threads=num_threads or default_threads())
        self._model = load_model(file, options)
        self._classifier = self._model.classifier
        name = self._classifier.engine.name
        self.engine = f"{name} {engine_version(name)}"
        self.num_threads: int | None = self._classifier.engine.num_threads
        self.size_bytes = len(file.content)
        self.at_least = self._classifier.at_least

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        return self._classifier.scores(image)

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
