"""A Keras model in inference mode as one compiled function for batches of all sizes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Forward = Callable[[Any], NDArray[np.float32]]
"""Pixels in [0, 255], shape (batch, height, width, 3), or features → float32, shape (batch, outputs)."""


def build_forward(model: Any) -> Forward:
    """Compile a model in inference mode, once for batches of all sizes."""
    import tensorflow as tf

    shape = tf.TensorShape([None, *model.input_shape[1:]])

    # No Python branch here depends on a tensor: AutoGraph would translate Keras' source for nothing.
    @tf.function(autograph=False, input_signature=[tf.TensorSpec(shape, tf.float32)])
    def forward(inputs: Any) -> Any:
        return tf.cast(model(inputs, training=False), tf.float32)

    return lambda inputs: forward(tf.cast(inputs, tf.float32)).numpy()


def chain(first: Forward, second: Forward) -> Forward:
    """One after the other: a part that is compiled already is not compiled again in a whole model."""
    return lambda inputs: second(first(inputs))


def batch_signature(model: Any) -> tuple[Any, Any]:
    """The signature (inputs, targets) of a function that is traced once for batches of all sizes."""
    import tensorflow as tf

    shape = tf.TensorShape([None, *model.input_shape[1:]])
    kind = tf.uint8 if len(model.input_shape) == 4 else tf.float32
    return tf.TensorSpec(shape, kind), tf.TensorSpec([None], tf.int64)
