"""Subtract the mean output error that weight rounding causes.

A layer whose input has a mean far from zero (the constant background of drawn digits, the positive outputs
of ReLU6) adds up the rounding errors of its weights: every output of a channel is off by the same amount,
which the bias can subtract. Source: bias correction of Nagel et al., Data-Free Quantization Through Weight
Equalization and Bias Correction, 2019, section 4.2, with means measured on the calibration images.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import get_weights, kind_of, pack, set_weights, unpack
from converter.quantization.activations import Channels

# The converter rounds weights to 127 steps on either side of 0, with a scale for each output channel.
_STEPS = 127

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def correct_biases(calibrated: bytes, channels: Mapping[int, Channels], input_shift: float) -> bytes:
    """Subtract from each bias the mean output error that rounding the weights of the layer causes.

    Args:
        calibrated: a float `.tflite` with calibrated ranges.
        channels: of every activation, from `measure_channels`.
        input_shift: how much every pixel's value in the int8 model is above that in the float model: a zero
            point is an integer, and the middle of 0 and 255 is not.

    Returns:
        A model whose int8 version has the float model's mean outputs.
    """
    schema, model = unpack(calibrated)
    graph = model.subgraphs[0]
    layers = [
        each for each in graph.operators if kind_of(schema, model, each) in _WEIGHTED and _has_bias(each)
    ]
    entry = int(graph.inputs[0])
    for layer in layers:
        source = int(layer.inputs[0])
        if source not in channels:
            continue
        mean = channels[source].mean
        weights = get_weights(model, layer, 1)
        depthwise = kind_of(schema, model, layer) == "DEPTHWISE_CONV_2D"
        rounded = _round(weights, channel_axis=-1 if depthwise else 0)
        shift = _output(rounded - weights, mean, depthwise=depthwise)
        if source == entry:
            shift += _output(rounded, np.full_like(mean, input_shift), depthwise=depthwise)
        set_weights(model, layer, 2, get_weights(model, layer, 2) - shift)
    return pack(model)


def match_dense_layers(calibrated: bytes, quantized: bytes) -> list[tuple[int, int]]:
    """The dense layers on the pooled features: their output tensors in the float and in the quantized model.

    Layers with an activation are left out: the mean after it is not the mean before.
    """
    outputs = [_feature_layers(content) for content in (calibrated, quantized)]
    return list(zip(*outputs, strict=True))


def shift_biases(content: bytes, shifts: Mapping[int, NDArray[np.float32]]) -> bytes:
    """Add to the biases of layers, given by their output tensors."""
    _schema, model = unpack(content)
    for operator in model.subgraphs[0].operators:
        shift = shifts.get(int(operator.outputs[0]))
        if shift is not None:
            set_weights(model, operator, 2, get_weights(model, operator, 2) + shift)
    return pack(model)


def copy_parameters(content: bytes, source: bytes, names: Collection[str]) -> bytes:
    """Replace the weights and biases of operators by another model's.

    Args:
        content: a float `.tflite`.
        source: the same network with other weights and biases.
        names: of the operators' output tensors.
    """
    (schema, model), (_, other) = unpack(content), unpack(source)
    graph = model.subgraphs[0]
    for operator, original in zip(graph.operators, other.subgraphs[0].operators, strict=True):
        if kind_of(schema, model, operator) not in _WEIGHTED:
            continue
        if graph.tensors[operator.outputs[0]].name.decode() in names:
            for position in (1, 2) if _has_bias(operator) else (1,):
                set_weights(model, operator, position, get_weights(other, original, position))
    return pack(model)


def _feature_layers(content: bytes) -> list[int]:
    schema, model = unpack(content)
    operators = model.subgraphs[0].operators
    pooled = {int(each.outputs[0]) for each in operators if kind_of(schema, model, each) == "MEAN"}
    return [
        int(each.outputs[0])
        for each in operators
        if kind_of(schema, model, each) == "FULLY_CONNECTED"
        and int(each.inputs[0]) in pooled
        and _has_bias(each)
        and not each.builtinOptions.fusedActivationFunction
    ]


def _has_bias(operator: Any) -> bool:
    return len(operator.inputs) > 2 and int(operator.inputs[2]) >= 0


def _round(weights: NDArray[np.float32], channel_axis: int) -> NDArray[np.float32]:
    """The weights rounded to int8."""
    axes = tuple(axis for axis in range(weights.ndim) if axis != channel_axis % weights.ndim)
    scale = np.abs(weights).max(axis=axes, keepdims=True) / _STEPS
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray(np.rint(weights / scale) * scale, np.float32)


def _output(
    weights: NDArray[np.float32], means: NDArray[np.float32], *, depthwise: bool
) -> NDArray[np.float32]:
    """The output of a layer with these weights for a constant input, one value per output channel."""
    if depthwise:
        return np.asarray(weights.sum(axis=(0, 1, 2)) * means, np.float32)
    return np.asarray((weights * means).sum(axis=tuple(range(1, weights.ndim))), np.float32)
