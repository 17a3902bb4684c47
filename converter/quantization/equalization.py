"""Equalize the ranges of the channels of a layer, which share one int8 scale.

The bottlenecks of MobileNetV2 are linear, and their channels can differ a hundredfold: the widest one sets
the scale, and the narrow ones are left with a few steps. Dividing a channel by a factor where it is written
and multiplying by the same factor where it is read changes nothing in float. The factor divides the range
between activations and weights: sqrt(range of the activation / range of the weights that read it).
Sources: cross-layer equalization of Nagel et al., Data-Free Quantization Through Weight Equalization and Bias
Correction, 2019, section 4.1; the factor of Xiao et al., SmoothQuant, 2023, section 4 with strength 1/2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import get_weights, kind_of, pack, set_weights, unpack
from converter.quantization.activations import Channels

_SMALLEST = 1e-6
_TINY = 1e-12


@dataclass
class _Group:
    """Tensors that are added to each other, so that their channels need the same factors."""

    tensors: set[int] = field(default_factory=set)
    writers: list[Any] = field(default_factory=list)
    readers: list[Any] = field(default_factory=list)


def equalize(content: bytes, channels: Mapping[int, Channels]) -> tuple[bytes, dict[int, Channels]]:
    """Equalize the linear layers of a float model.

    Args:
        content: a float `.tflite` with calibrated activations.
        channels: of every activation, from `measure_channels`.

    Returns:
        A model that computes the same with other weights and unchanged ranges, and its new channels.
    """
    schema, model = unpack(content)
    scaled = dict(channels)
    for group in _find_groups(schema, model):
        factor = _choose_factor(model, group, channels)
        _scale_weights(model, group, factor)
        for index in group.tensors:
            scaled[index] = channels[index].divided(factor)
    return pack(model), scaled


def _find_groups(schema: Any, model: Any) -> list[_Group]:
    """The tensors that plain convolutions and additions write, and only convolutions and additions read."""
    graph = model.subgraphs[0]
    groups: dict[int, _Group] = {}
    for operator in graph.operators:
        kind = kind_of(schema, model, operator)
        if kind not in ("CONV_2D", "ADD") or _activation(operator):
            continue
        output = int(operator.outputs[0])
        joined = _Group({output})
        if kind == "ADD":
            for index in map(int, operator.inputs):
                other = groups.get(index, _Group({index}, writers=[None]))
                joined.tensors |= other.tensors
                joined.writers += [each for each in other.writers if each not in joined.writers]
        else:
            joined.writers.append(operator)
        groups.update(dict.fromkeys(joined.tensors, joined))
    for operator in graph.operators:
        kind = kind_of(schema, model, operator)
        for index in map(int, operator.inputs):
            group = groups.get(index)
            if group is None or (kind == "ADD" and int(operator.outputs[0]) in group.tensors):
                continue
            is_convolution = kind == "CONV_2D" and index == int(operator.inputs[0])
            group.readers.append(operator if is_convolution else None)
    unique = {id(group): group for group in groups.values()}.values()
    return [group for group in unique if group.readers and None not in (*group.readers, *group.writers)]


def _activation(operator: Any) -> int:
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))


def _choose_factor(model: Any, group: _Group, channels: Mapping[int, Channels]) -> NDArray[np.float32]:
    spread = np.max([np.maximum(-channels[each].low, channels[each].high) for each in group.tensors], axis=0)
    read = np.max([np.abs(get_weights(model, each, 1)).max(axis=(0, 1, 2)) for each in group.readers], axis=0)
    spread, read = (np.maximum(values, max(_SMALLEST * values.max(), _TINY)) for values in (spread, read))
    factor = np.sqrt(spread / read)
    return np.asarray(factor / np.exp(np.log(factor).mean()), np.float32)


def _scale_weights(model: Any, group: _Group, factor: NDArray[np.float32]) -> None:
    for operator in group.writers:
        set_weights(model, operator, 1, get_weights(model, operator, 1) / factor[:, None, None, None])
        set_weights(model, operator, 2, get_weights(model, operator, 2) / factor)
    for operator in group.readers:
        set_weights(model, operator, 1, get_weights(model, operator, 1) * factor)
