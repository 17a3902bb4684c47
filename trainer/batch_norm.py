"""BatchNormalization statistics that are right, however short the training was.

Keras keeps a moving average of each batch's mean and variance. With few steps the average lags far behind
the weights, and a model that is 0.99 in training mode is 0.5 in inference mode. So the statistics are
measured anew before every validation: the plain average over some batches, for the weights as they are now
(the "precise BatchNorm" of Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021, section 3).
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

MAX_BATCHES = 16


class BatchNormStatistics:
    """Measures the statistics of the BatchNormalization layers that train."""

    def __init__(self, model: Any, base: Any) -> None:
        import keras
        import tensorflow as tf

        self._layers = [
            layer
            for layer in base.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        self._forward = tf.function(lambda pixels: model(pixels, training=True), reduce_retracing=True)

    def measure(self, batches: Iterable[Any]) -> None:
        """Set every layer's moving mean and variance to the average over some batches.

        Args:
            batches: float32 pixels in [0, 255], shape (batch, height, width, 3); the first few are used.
        """
        if not self._layers:
            return
        momenta = [layer.momentum for layer in self._layers]
        # With momentum 0 the "moving" statistics are those of the last batch alone.
        for layer in self._layers:
            layer.momentum = 0.0
        sums: list[Any] = []
        count = 0
        for pixels in islice(batches, MAX_BATCHES):
            self._forward(pixels)
            current = [
                variable.numpy() for layer in self._layers for variable in layer.non_trainable_variables
            ]
            sums = current if not sums else [total + new for total, new in zip(sums, current, strict=True)]
            count += 1
        for layer, momentum in zip(self._layers, momenta, strict=True):
            layer.momentum = momentum
        if count:
            averages = iter(np.float32(total / count) for total in sums)
            for layer in self._layers:
                for variable in layer.non_trainable_variables:
                    variable.assign(next(averages))
