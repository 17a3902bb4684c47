"""int8 in steps: calibrate → equalize → correct → quantize, each a function from a value to the next.

TensorFlow's converter makes a float model in which the activations to quantize are marked; the calibration
images run through it and give the ranges; channels are equalized and biases corrected; then TensorFlow's
quantizer turns ranges into scales. The last step takes milliseconds: other ranges, or layers kept in float,
can be tried without calibrating again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import pack, unpack, with_output, with_signature
from converter.quantization.activations import Channels, measure_channels, run_all_tensors
from converter.quantization.bias_correction import (
    copy_parameters,
    correct_biases,
    match_dense_layers,
    shift_biases,
)
from converter.quantization.calibration import representative_dataset
from converter.quantization.equalization import equalize
from converter.quantization.merging import merge_pointwise_convolutions
from converter.quantization.precisions import Io, fix_batch, remove_rescaling, silence
from converter.tensorflow_internals import convert_for_calibration, open_converter, quantize_calibrated
from edge_runtime.core import Image, Tick, no_tick
from edge_runtime.inference import RAW, InputRange, open_engine, pixel_table

CORRECTION_IMAGES = 100
"""Images that the mean error of the dense layers is measured on."""

FEWEST_INSIDE = 8
"""Values of a channel that a mean error is taken from, at least."""

Ranges = Mapping[int, tuple[float, float]]
"""Tensor index → the lowest and highest value that its integers cover."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A float model with the ranges of its activations.

    Attributes:
        content: the bytes of a float `.tflite` in which every activation has its range.
        channels: the range and mean of each channel of every activation, by tensor index.
        images: the representative dataset, uint8 RGB at the model's size.
        input_range: the values of pixels 0 and 255 that the float model takes.
        io: type of the int8 model's input and output.
        original: `content` before biases were corrected and weights trained for int8; None if they were not.
    """

    content: bytes
    channels: Mapping[int, Channels]
    images: Sequence[Image]
    input_range: InputRange
    io: Io
    original: bytes | None = None


def calibrate(
    model: Any, images: Sequence[Image], io: Io = Io.UINT8, tick: Tick = no_tick, *, merge: bool = True
) -> Calibrated:
    """Convert a Keras model to float and measure the ranges of its activations.

    With integer input the rescaling layer is removed and absorbed in the input tensor's scale and zero point;
    with float32 input it stays. Either way the int8 model takes raw pixels.

    Args:
        model: the run's Keras model: pixels in [0, 255] → scores.
        images: the representative dataset, uint8 RGB at the model's size.
        io: type of the int8 model's input and output.
        tick: progress callback.
        merge: pairs of pointwise convolutions with nothing between them become one.
    """
    core, input_range = (fix_batch(model), RAW) if io is Io.FLOAT32 else remove_rescaling(model)
    content = _convert_to_float(core, images[:1], input_range)
    if merge:
        content = merge_pointwise_convolutions(content)
    channels = measure_channels(content, images, input_range, tick)
    return Calibrated(_with_spans(content, channels), channels, images, input_range, io)


def equalize_channels(calibrated: Calibrated) -> Calibrated:
    """Equalize the ranges of channels; the float model computes the same as before."""
    content, channels = equalize(calibrated.content, calibrated.channels)
    return with_channels(replace(calibrated, content=content), channels)


def with_channels(calibrated: Calibrated, channels: Mapping[int, Channels]) -> Calibrated:
    """The model with other ranges."""
    content = _with_spans(calibrated.content, channels)
    return replace(calibrated, content=content, channels=channels)


def correct(calibrated: Calibrated) -> Calibrated:
    """Correct biases by the mean output error that rounding the weights causes."""
    shift = _input_shift(calibrated)
    content = correct_biases(calibrated.content, calibrated.channels, shift)
    return replace(calibrated, content=content, original=calibrated.content)


def correct_dense_layers(calibrated: Calibrated, reference: Calibrated) -> Calibrated:
    """Correct the biases of the dense layers on the features by the mean error of their outputs in int8.

    The errors of all layers before them add up in the features; the part that all images have in common is
    measured by running both models on the same images. Source: the empirical bias correction of Nagel et al.,
    2019, section 4.2.

    Args:
        calibrated: with corrected biases.
        reference: before any bias was corrected.
    """
    int8 = quantize(calibrated)
    images = calibrated.images[:CORRECTION_IMAGES]
    layers = [pair for pair in match_dense_layers(calibrated.content, int8) if pair[0] in calibrated.channels]
    indices = [expected for expected, _found in layers]
    rows = run_all_tensors(reference.content, images, reference.input_range, indices)
    wanted = [np.concatenate(each) for each in zip(*rows, strict=True)]
    shifts = {
        expected: _mean_error(
            values, _outputs(int8, found, images, calibrated), calibrated.channels[expected].span
        )
        for (expected, found), values in zip(layers, wanted, strict=True)
    }
    return replace(calibrated, content=shift_biases(calibrated.content, shifts))


def quantize(calibrated: Calibrated, ranges: Ranges | None = None, keep_float: Collection[str] = ()) -> bytes:
    """Quantize to int8.

    Args:
        calibrated: the float model.
        ranges: replace the calibrated ranges of these tensors.
        keep_float: names of output tensors of operators that stay in float.

    Returns:
        The bytes of a `.tflite` without labels, metadata or card.
    """
    content = calibrated.content if ranges is None else _with_ranges(calibrated.content, ranges)
    if keep_float and calibrated.original is not None:
        # What a correction or training makes up for, the rounding, is not done there.
        content = copy_parameters(content, calibrated.original, keep_float)
    with silence():
        return quantize_calibrated(content, calibrated.io, keep_float)


def with_ranges(calibrated: Calibrated, ranges: Ranges) -> Calibrated:
    """The model with other ranges of some tensors; `channels` are those that were measured."""
    return replace(calibrated, content=_with_ranges(calibrated.content, ranges))


def _mean_error(
    wanted: NDArray[np.float32], found: NDArray[np.float32], span: tuple[float, float]
) -> NDArray[np.float32]:
    """How much each channel is too low on average; 0 where few values are within the range.

    A value beyond the range is clipped in int8 on purpose: its difference is no error.

    Args:
        wanted: real numbers, shape (images, channels).
        found: the same in int8.
        span: the range.
    """
    inside = (wanted > span[0]) & (wanted < span[1])
    count = inside.sum(axis=0)
    error = np.where(inside, wanted - found, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.asarray(np.where(count >= FEWEST_INSIDE, error, 0.0), np.float32)


def _outputs(
    int8: bytes, tensor: int, images: Sequence[Image], calibrated: Calibrated
) -> NDArray[np.float32]:
    """A tensor of shape (1, channels) for each image, as real numbers, shape (images, channels)."""
    engine = open_engine(with_output(int8, tensor), name="the converted model")
    table = pixel_table(engine.input, calibrated.input_range)
    rows = [engine.invoke((image if table is None else table[image])[np.newaxis]) for image in images]
    return np.asarray(engine.output.real(np.concatenate(rows)), np.float32)


def _convert_to_float(core: Any, images: Sequence[Image], input_range: InputRange) -> bytes:
    """A float `.tflite` in which the activations to quantize have the ranges of one image."""
    import tensorflow as tf

    converter = open_converter(core)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: representative_dataset(images, input_range)
    with silence():
        return with_signature(convert_for_calibration(converter))


def _input_shift(calibrated: Calibrated) -> float:
    """How much the int8 model's value of a pixel is above the float model's."""
    engine = open_engine(quantize(calibrated), name="the converted model")
    if not engine.input.quantized:
        return 0.0
    lowest = np.array(np.iinfo(engine.input.dtype).min)
    return float(engine.input.real(lowest)) - calibrated.input_range[0]


def _with_spans(content: bytes, channels: Mapping[int, Channels]) -> bytes:
    return _with_ranges(content, {index: each.span for index, each in channels.items()})


def _with_ranges(content: bytes, ranges: Ranges) -> bytes:
    _schema, model = unpack(content)
    for index, (low, high) in ranges.items():
        quantization = model.subgraphs[0].tensors[index].quantization
        quantization.min, quantization.max = [low], [high]
    return pack(model)
