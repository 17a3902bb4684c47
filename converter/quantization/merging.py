"""Merge two pointwise convolutions with nothing between them into one.

The first bottleneck of MobileNetV2 is linear, has few channels, and only the expansion after it reads it: the
two convolutions are one matrix product. As one they need no int8 tensor between them, whose rounding errors
are among the largest of the network on small photos, and one layer of weights less is rounded. In float the
result is the same.
"""

from typing import Any

import numpy as np

from converter.flatbuffer import drop_unused_tensors, get_weights, kind_of, pack, set_weights, unpack

MAX_GROWTH = 1.5
"""Multiply-adds of the merged convolution over those of the two, at most: the first bottleneck has 1.5.

It passes over memory once instead of twice. The last bottleneck of the network would have 2.4 and is kept.
"""


def merge_pointwise_convolutions(content: bytes) -> bytes:
    """Merge each pair of 1 x 1 convolutions of which only the second reads the first, without an activation.

    Args:
        content: the bytes of a float `.tflite`.
    """
    schema, model = unpack(content)
    graph = model.subgraphs[0]
    for first in list(graph.operators):
        readers = [each for each in graph.operators if first.outputs[0] in each.inputs]
        if len(readers) == 1 and first.outputs[0] not in graph.outputs:
            (second,) = readers
            if _fit(schema, model, first, second):
                _merge(model, first, second)
                graph.operators.remove(first)
    drop_unused_tensors(model)
    return pack(model)


def _fit(schema: Any, model: Any, first: Any, second: Any) -> bool:
    pair = (first, second)
    if not all(_is_pointwise(schema, model, each) for each in pair):
        return False
    if first.builtinOptions.fusedActivationFunction or first.outputs[0] != second.inputs[0]:
        return False
    between, inputs = _shape(model, first)
    outputs, _ = _shape(model, second)
    return inputs * outputs <= MAX_GROWTH * (inputs * between + between * outputs)


def _is_pointwise(schema: Any, model: Any, operator: Any) -> bool:
    if kind_of(schema, model, operator) != "CONV_2D" or len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return False
    options, tensors = operator.builtinOptions, model.subgraphs[0].tensors
    _outputs, height, width, read = tensors[operator.inputs[1]].shape
    # Another number of channels than the input's means groups.
    whole = tensors[operator.inputs[0]].shape[-1] == read
    return bool(whole and (height, width, options.strideH, options.strideW) == (1, 1, 1, 1))


def _shape(model: Any, operator: Any) -> tuple[int, int]:
    """Output channels and input channels."""
    shape = model.subgraphs[0].tensors[operator.inputs[1]].shape
    return int(shape[0]), int(shape[-1])


def _merge(model: Any, first: Any, second: Any) -> None:
    """Let the second convolution compute both."""
    (between, inputs), (outputs, _) = (_shape(model, each) for each in (first, second))
    # In float64: each new weight is a sum of products of two.
    inner = get_weights(model, first, 1).reshape(between, inputs).astype(np.float64)
    outer = get_weights(model, second, 1).reshape(outputs, between).astype(np.float64)
    bias = get_weights(model, second, 2) + outer @ get_weights(model, first, 2)
    weights = model.subgraphs[0].tensors[second.inputs[1]]
    weights.shape = np.array([outputs, 1, 1, inputs], np.int32)
    set_weights(model, second, 1, (outer @ inner).reshape(outputs, 1, 1, inputs))
    set_weights(model, second, 2, bias)
    second.inputs = np.array([first.inputs[0], *second.inputs[1:]], np.int32)
