"""TensorFlow's converter as its own guide uses it for int8."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.quantization import silence


def convert_int8(model: Any, inputs: Sequence[Sequence[NDArray[np.float32]]]) -> bytes:
    """Convert a Keras model to int8 with uint8 input and output.

    Args:
        model: with a batch of one.
        inputs: the representative dataset: for each sample the input tensor.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: [list(each) for each in inputs]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    with silence():
        return bytes(converter.convert())
