"""Measure BatchNormalization statistics before every validation.

Keras keeps a moving average of each batch's mean and variance. With few steps the average lags far behind
the weights, and a model that is 0.99 in training mode is 0.5 in inference mode. So the statistics are
measured again before every validation: the plain average over some batches, for the weights as they are now
(the "precise BatchNorm" of Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021, section 3).
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.network.forward import batch_signature

MAX_BATCHES = 16


class BatchNormStatistics:
    """Measures the statistics of the BatchNormalization layers that train.

    Args:
        model: the whole network.
        base: the part with the layers.
        total: the sum of a vector over all workers.
    """

    def __init__(
        self, model: Any, base: Any, total: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> None:
        import keras
        import tensorflow as tf

        self._total = total
        self._layers = [
            layer
            for layer in base.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        variables = [variable for layer in self._layers for variable in layer.non_trainable_variables]
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        self._size = sum(sizes)

        # As one vector: to read and set each variable by itself takes a tenth of a small network's epoch.
        @tf.function(autograph=False, input_signature=batch_signature(model)[:1])
        def statistics_of(pixels: Any) -> Any:
            model(tf.cast(pixels, tf.float32), training=True)
            return tf.concat([tf.reshape(variable, [-1]) for variable in variables], 0)

        @tf.function(autograph=False, input_signature=[tf.TensorSpec([self._size], tf.float32)])
        def set_statistics(values: Any) -> None:
            for variable, value in zip(variables, tf.split(values, sizes), strict=True):
                variable.assign(value)

        self._statistics_of, self._set_statistics = statistics_of, set_statistics

    def measure(self, batches: Iterable[NDArray[np.uint8]]) -> None:
        """Set every layer's moving mean and variance to the average over some batches.

        Args:
            batches: pixels, shape (batch, height, width, 3); the first few are used. Each of several
                workers gives its share, and all get the average.
        """
        if not self._layers:
            return
        momenta = [layer.momentum for layer in self._layers]
        # With momentum 0 the "moving" statistics are those of the last batch alone.
        for layer in self._layers:
            layer.momentum = 0.0
        sums = np.zeros(self._size + 1)
        for pixels in islice(batches, MAX_BATCHES):
            if len(pixels):
                sums += np.append(self._statistics_of(pixels).numpy(), 1.0)
        for layer, momentum in zip(self._layers, momenta, strict=True):
            layer.momentum = momentum
        totals = self._total(sums)
        self._set_statistics((totals[:-1] / totals[-1]).astype(np.float32))
