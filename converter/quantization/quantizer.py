"""From the Keras model to the bytes of a `.tflite`, in each precision.

int8 goes in steps. TensorFlow's converter makes a float model that knows which activations need a range; the
calibration pictures run through it and give the ranges; channels are equalized and biases corrected; then
TensorFlow's quantizer turns ranges into scales. The last step takes milliseconds: other ranges, or layers
kept in float, can be tried without calibrating again.
"""

import contextlib
import io
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from converter.flatbuffer import pack, unpack
from converter.quantization.activations import measure_channels
from converter.quantization.bias_correction import correct_biases
from converter.quantization.calibration import representative_dataset
from converter.quantization.equalization import equalize
from edge_runtime import Image, ModelError, UsageError, open_engine
from edge_runtime.core.progress import Reporter, Tick, no_tick
from edge_runtime.inference.input_encoding import RAW, InputRange


class Precision(StrEnum):
    """Of weights and activations."""

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


Ranges = Mapping[int, tuple[float, float]]
"""Tensor index → the lowest and highest value that its integers cover."""


@dataclass(frozen=True)
class Quantizer:
    """Turns one Keras model into `.tflite` bytes of any precision.

    With integer input the rescaling layer is taken out and absorbed in the input tensor's scale and zero
    point; with float32 input it stays inside. Either way the model takes raw pixels.

    Attributes:
        model: the run's Keras model: pixels in [0, 255] → scores.
        images: the representative data set, uint8 RGB at the model's size.
        io: type of an int8 model's input and output.
        reporter: shows the progress of calibration.
        corrected: whether channels are equalized and biases corrected first.
    """

    model: Any
    images: Sequence[Image]
    io: Io = Io.UINT8
    reporter: Reporter | None = None
    corrected: bool = True

    def convert(self, precision: Precision) -> bytes:
        """The bytes of a `.tflite` without labels, metadata or card.

        Raises:
            UsageError: int16x8 with integer input, which TensorFlow Lite does not offer.
        """
        if precision is Precision.INT8:
            return self.quantize()
        import tensorflow as tf

        converter = self._converter(_fix_batch(self.model))
        if precision is not Precision.FLOAT32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision is Precision.DYNAMIC:
            # A dense layer with a scale for each channel is FULLY_CONNECTED version 12, and tflite-runtime
            # ends at version 10.
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        if precision is Precision.FLOAT16:
            converter.target_spec.supported_types = [tf.float16]
        if precision is Precision.INT16X8:
            ops = tf.lite.OpsSet
            int16x8 = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            converter.target_spec.supported_ops = [int16x8]
        with self._ticking() as tick, _silence():
            if precision is Precision.INT16X8:
                converter.representative_dataset = lambda: representative_dataset(self.images, RAW, tick)
            return bytes(converter.convert())

    def quantize(self, ranges: Ranges | None = None, keep_float: Collection[str] = ()) -> bytes:
        """Full-integer int8.

        Args:
            ranges: overrule the calibrated ranges of these tensors.
            keep_float: names of operators' output tensors; those operators stay in float.
        """
        calibrated = self.calibrated if ranges is None else _with_ranges(self.calibrated, ranges)
        return self._quantize(calibrated, keep_float)

    def _quantize(self, calibrated: bytes, keep_float: Collection[str]) -> bytes:
        import tensorflow as tf
        from tensorflow.lite.python.convert import mlir_quantize

        kind = getattr(tf, self.io)
        with _silence():
            return bytes(
                mlir_quantize(
                    calibrated,
                    input_data_type=kind,
                    output_data_type=kind,
                    denylisted_nodes=sorted(keep_float) or None,
                )
            )

    @property
    def expected(self) -> InputRange:
        """What the float model behind `calibrated` takes for pixels 0 and 255."""
        return self._core[1]

    @cached_property
    def calibrated(self) -> bytes:
        """A float `.tflite` in which every activation carries its range."""
        prepared = self._prepare()
        with self._ticking() as tick:
            channels = measure_channels(prepared, self.images, self.expected, tick)
        if not self.corrected:
            return _with_ranges(prepared, {index: each.span for index, each in channels.items()})
        equal, channels = equalize(prepared, channels)
        ranged = _with_ranges(equal, {index: each.span for index, each in channels.items()})
        return correct_biases(ranged, channels, self._input_shift(ranged))

    def _input_shift(self, calibrated: bytes) -> float:
        """How far the int8 model's reading of a pixel is above the float model's."""
        engine = open_engine(self._quantize(calibrated, ()), name="the converted model")
        if not engine.input.quantized:
            return 0.0
        lowest = np.array(np.iinfo(engine.input.dtype).min)
        return float(engine.input.real(lowest)) - self.expected[0]

    def _prepare(self) -> bytes:
        """A float `.tflite` that knows which activations need a range, with those of one picture."""
        import tensorflow as tf

        model, expected = self._core
        converter = self._converter(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        # The public QuantizationDebugger sets the same switch; there is no other way to the ranges.
        converter._experimental_calibrate_only = True
        converter.representative_dataset = lambda: representative_dataset(self.images[:1], expected)
        with _silence():
            return bytes(converter.convert())

    @contextlib.contextmanager
    def _ticking(self) -> Iterator[Tick]:
        if self.reporter is None:
            yield no_tick
        else:
            with self.reporter.bar("calibrating") as tick:
                yield tick

    @cached_property
    def _core(self) -> tuple[Any, InputRange]:
        return (_fix_batch(self.model), RAW) if self.io is Io.FLOAT32 else take_out_rescaling(self.model)

    def _converter(self, model: Any) -> Any:
        import tensorflow as tf

        return tf.lite.TFLiteConverter.from_keras_model(model)


def check_io(precisions: Collection[Precision], io: Io | None) -> None:
    """Refuse a type of input that a precision does not offer.

    Raises:
        UsageError: an integer input asked for with anything but int8.
    """
    others = [each for each in precisions if each is not Precision.INT8]
    if others and io not in (None, Io.FLOAT32):
        raise UsageError(
            f"--io {io} is for int8; a model of precision {others[0]} has float32 input and output"
        )


def take_out_rescaling(model: Any) -> tuple[Any, InputRange]:
    """The model without its rescaling layer, and what that layer made of pixels 0 and 255."""
    import keras

    first, rescaling, *rest = model.layers
    if not isinstance(first, keras.layers.InputLayer) or not isinstance(rescaling, keras.layers.Rescaling):
        raise ModelError("the model does not begin with a rescaling of raw pixels: not made by edge-train")
    scale, offset = float(rescaling.scale), float(rescaling.offset)
    return _chain(model, rest), (offset, 255.0 * scale + offset)


def _fix_batch(model: Any) -> Any:
    return _chain(model, model.layers[1:])


def _chain(model: Any, layers: Sequence[Any]) -> Any:
    import keras

    # A batch of exactly one: no operator of the converted model has to ask for the batch size.
    inputs = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="pixels")
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs, name="classifier")


def _with_ranges(calibrated: bytes, ranges: Ranges) -> bytes:
    _schema, model = unpack(calibrated)
    for index, (low, high) in ranges.items():
        quantization = model.subgraphs[0].tensors[index].quantization
        quantization.min, quantization.max = [low], [high]
    return pack(model)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keras tells of each exported model on stdout; the converter warns of every calibrated one."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
