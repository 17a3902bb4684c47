"""The precisions of a converted model, and the conversions that need no calibration of our own."""

import contextlib
import io
import warnings
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Any

from converter.flatbuffer import with_signature
from converter.quantization.calibration import representative_dataset
from converter.tensorflow_internals import open_converter, use_one_scale_for_dense_layers
from edge_runtime.core import Image, ModelError, Tick, UsageError, no_tick
from edge_runtime.inference import RAW, InputRange


class Precision(StrEnum):
    """Number format of weights and activations."""

    INT8 = "int8"
    INT16X8 = "int16x8"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"
    FLOAT32 = "float32"


class Io(StrEnum):
    """Type of an int8 model's input and output."""

    UINT8 = "uint8"
    INT8 = "int8"
    FLOAT32 = "float32"


def check_io(precisions: Collection[Precision], io: Io | None) -> None:
    """Refuse a type of input that a precision does not offer.

    Raises:
        UsageError: an integer input with anything but int8.
    """
    others = [each for each in precisions if each is not Precision.INT8]
    if others and io not in (None, Io.FLOAT32):
        raise UsageError(
            f"--io {io} is for int8; a model of precision {others[0]} has float32 input and output"
        )


def convert_precision(
    model: Any, precision: Precision, images: Sequence[Image], tick: Tick = no_tick
) -> bytes:
    """Convert a Keras model to any precision but int8, with float32 input for raw pixels.

    Args:
        model: the run's Keras model: pixels in [0, 255] → scores.
        precision: not int8.
        images: the representative dataset, for int16x8.
        tick: progress callback of the calibration.

    Returns:
        The bytes of a `.tflite` without labels, metadata or card.
    """
    import tensorflow as tf

    converter = open_converter(fix_batch(model))
    if precision is not Precision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.DYNAMIC:
        use_one_scale_for_dense_layers(converter)
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if precision is Precision.INT16X8:
        ops = tf.lite.OpsSet
        int16x8 = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [int16x8]
        converter.representative_dataset = lambda: representative_dataset(images, RAW, tick)
    with silence():
        return with_signature(bytes(converter.convert()))


def remove_rescaling(model: Any) -> tuple[Any, InputRange]:
    """The model without its rescaling layer, and the values of pixels 0 and 255 after that layer.

    Raises:
        ModelError: the model does not start with a rescaling layer.
    """
    import keras

    first, rescaling, *rest = model.layers
    if not isinstance(first, keras.layers.InputLayer) or not isinstance(rescaling, keras.layers.Rescaling):
        raise ModelError("the model does not start with a rescaling of raw pixels: not made by edge-train")
    scale, offset = float(rescaling.scale), float(rescaling.offset)
    return _chain(model, rest), (offset, 255.0 * scale + offset)


def fix_batch(model: Any) -> Any:
    """The same model for a batch of exactly one: no converted operator then asks for the batch size."""
    return _chain(model, model.layers[1:])


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Suppress Keras' output for each exported model, and the converter's warnings."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _chain(model: Any, layers: Sequence[Any]) -> Any:
    import keras

    inputs = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="pixels")
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs, name="classifier")
