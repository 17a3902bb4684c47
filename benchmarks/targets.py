"""What is measured: the Keras model and the model files, behind one small interface."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from converter import Run, load_keras_model
from edge_runtime import Classifier, Image, ModelError, Scores, fit, read_model_file


class Target(Protocol):
    """A model that turns a decoded picture into scores.

    Attributes:
        name: what reports call it.
        engine: who runs it, with its version.
        num_threads: threads it may use.
        size_bytes: of its file.
    """

    name: str
    engine: str
    num_threads: int | None
    size_bytes: int

    def scores(self, image: Image) -> Scores:
        """Scores of a picture of any size (uint8 RGB), resized by the device's `fit`; shape (classes,)."""
        ...


class KerasTarget:
    """The run's Keras model as a compiled `tf.function` on one picture at a time."""

    def __init__(self, run: Run) -> None:
        import keras
        import tensorflow as tf

        model = load_keras_model(run.keras_file)
        signature = tf.TensorSpec([1, *run.card.image_size, 3], tf.float32)
        self._forward: Any = tf.function(
            lambda pixels: model(pixels, training=False), input_signature=[signature]
        )
        self._card = run.card
        self.name = "keras"
        self.engine = f"keras {keras.__version__}, tensorflow {tf.__version__}"
        self.num_threads: int | None = None
        self.size_bytes = run.keras_file.stat().st_size

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        pixels = fit(image, self._card.image_size, self._card.resize)
        found: Scores = self._forward(pixels[np.newaxis].astype(np.float32)).numpy()[0]
        return found


class ModelFileTarget:
    """A `.tflite` through the device's own classifier.

    Raises:
        ModelError: the file cannot be used, or its labels are not the run's.
    """

    def __init__(self, path: Path, run: Run, *, engine: str | None, num_threads: int | None) -> None:
        file = read_model_file(path)
        if file.labels != run.card.labels:
            raise ModelError(
                f"{path}: its {len(file.labels)} labels are not the {len(run.card.labels)} of the run "
                f"{run.folder}; convert this run again"
            )
        self._classifier = Classifier(file, engine=engine, num_threads=num_threads)
        self.name = path.name
        self.engine = f"{self._classifier.engine.name} {self._classifier.engine.version}"
        self.num_threads: int | None = self._classifier.engine.num_threads
        self.size_bytes = len(file.content)

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        return self._classifier.scores(image)
