"""The Keras model of a run as a target, one image at a time."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.targets.spec import Steps, TargetBase
from edge_runtime.core import Image, Scores, clock
from edge_runtime.datasets import RunFiles
from edge_runtime.images import fit, pixels_needed


class KerasTarget(TargetBase):
    """A run's Keras model on one image at a time.

    Args:
        folder: a run, or a folder with the model and the card of one.
        predict: measure `predict_on_batch` instead of a compiled function.
    """

    def __init__(self, folder: Path, *, predict: bool = False) -> None:
        import keras
        import tensorflow as tf

        from converter import load_keras_model

        files = RunFiles(folder)
        card = files.read_card()
        model = load_keras_model(files.model)
        signature = tf.TensorSpec([1, *card.image_size, 3], tf.float32)
        compiled = tf.function(lambda pixels: model(pixels, training=False), input_signature=[signature])
        self._forward: Any = model.predict_on_batch if predict else lambda pixels: compiled(pixels).numpy()
        self._card = card
        self.engine = f"keras {keras.__version__}, tensorflow {tf.__version__}"
        self.num_threads: int | None = None
        self.size_bytes = files.model.stat().st_size
        self.at_least = pixels_needed(card.image_size, card.resize)

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        pixels = fit(image, self._card.image_size, self._card.resize)
        found: Scores = self._forward(pixels[np.newaxis].astype(np.float32))[0]
        return found

    def steps(self, image: Image) -> Steps:
        """See `Target.steps`."""
        started = clock.now()
        pixels = fit(image, self._card.image_size, self._card.resize)
        resized = clock.now()
        scores = self._forward(pixels[np.newaxis].astype(np.float32))[0]
        invoked = clock.now()
        np.argsort(-scores)[:5]
        return Steps(
            clock.milliseconds(started, resized),
            clock.milliseconds(resized, invoked),
            clock.milliseconds(invoked, clock.now()),
        )
