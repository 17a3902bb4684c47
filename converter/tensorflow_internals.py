"""The only module that uses private or experimental parts of TensorFlow and LiteRT.

tests/converter/test_tensorflow_internals.py has a test for each function; pyproject.toml allows the versions
of TensorFlow that passed them.
"""

import os
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUT = "pixels"
"""Name of the input tensor."""


def open_converter(model: Any) -> Any:
    """A `TFLiteConverter` of a Keras model with a fixed batch size.

    It takes one graph with the weights as constants. `from_keras_model` writes and reads a SavedModel,
    for which Keras traces the model several times: the same comes out, later.
    """
    import tensorflow as tf

    function = tf.function(lambda pixels: model(pixels, training=False), autograph=False)
    traced = function.get_concrete_function(tf.TensorSpec(model.input_shape, tf.float32, INPUT))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    converter.experimental_lower_to_saved_model = False
    return converter


def quantize_calibrated(calibrated: bytes, io_type: str, keep_float: Collection[str] = ()) -> bytes:
    """Quantize a float `.tflite` with calibrated ranges to int8.

    Args:
        calibrated: the bytes of the float model.
        io_type: type of input and output: `uint8`, `int8` or `float32`.
        keep_float: names of output tensors of operators that stay in float.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    kind = getattr(tf, io_type)
    denied = sorted(keep_float) or None
    return bytes(
        mlir_quantize(calibrated, input_data_type=kind, output_data_type=kind, denylisted_nodes=denied)
    )


def quantize_for_debugging(calibrated: bytes) -> bytes:
    """The int8 model that TensorFlow's `QuantizationDebugger` compares with the float model by layer."""
    from tensorflow.lite.python.convert import mlir_quantize

    return bytes(mlir_quantize(calibrated, enable_numeric_verify=True, enable_whole_model_verify=True))


def convert_for_calibration(converter: Any) -> bytes:
    """Let a `TFLiteConverter` make a float model in which the activations to quantize have ranges."""
    # The public QuantizationDebugger sets the same switch; there is no public way to the ranges.
    converter._experimental_calibrate_only = True
    return bytes(converter.convert())


def use_one_scale_for_dense_layers(converter: Any) -> None:
    """Let a `TFLiteConverter` give the weights of a dense layer one scale instead of one per channel.

    A dense layer with a scale for each channel is FULLY_CONNECTED version 12; tflite-runtime ends at 10.
    """
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def open_all_tensors(
    content: bytes, indices: Collection[int]
) -> Callable[[NDArray[np.float32]], list[NDArray[Any]]]:
    """A function from an input tensor to the values of inner tensors of a float model.

    Args:
        content: the bytes of a `.tflite`.
        indices: of the tensors.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=os.cpu_count(),
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]

    def run(tensor: NDArray[np.float32]) -> list[NDArray[Any]]:
        interpreter.set_tensor(entry, tensor)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in indices]

    return run
