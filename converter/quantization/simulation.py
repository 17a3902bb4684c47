"""What an int8 model computes, in TensorFlow, so that gradients go through it.

Weights are rounded as the converter rounds them, and each activation to the 256 levels of its tensor.
Rounding passes a gradient on unchanged (straight-through estimator: Bengio, Léonard, Courville, 2013); the
scale of an activation has the gradient of Esser et al., Learned Step Size Quantization, 2020, equation 3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import get_weights, kind_of, pack, set_weights, unpack
from converter.quantization.int8 import Calibrated, quantize
from edge_runtime.core import ModelError

_LOWEST, _HIGHEST = -128, 127
_STEPS = 127
"""Weights have as many levels on either side of 0."""

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_SAME_SCALE = ("MEAN", "RESHAPE")
"""Their output has the scale of their input."""

_ARITHMETIC = ("ADD", "SUB", "MUL")
"""May have a constant, as rescaling has."""

Values = Mapping[int, Any]
"""Tensor index → values of a batch."""


@dataclass(frozen=True, eq=False)
class _Operator:
    """An operator.

    Attributes:
        kind: such as `CONV_2D`.
        source: as unpacked.
        inputs: tensor indices.
        output: tensor index.
        shape: of the output for one image.
    """

    kind: str
    source: Any
    inputs: tuple[int, ...]
    output: int
    shape: tuple[int, ...]

    @property
    def options(self) -> Any:
        """Strides, padding and the like."""
        return self.source.builtinOptions


@dataclass(frozen=True)
class _Levels:
    """The real value of the integer q is scale · (q - zero_point)."""

    scale: float
    zero_point: int


class _Parameters(NamedTuple):
    """Weights and biases of an operator, as arrays or variables; no bias is None."""

    weights: Any
    bias: Any


@dataclass(frozen=True, eq=False)
class Simulation:
    """A float model and the int8 model that is made of it, as functions of the same pixels.

    Tensors are given by their index in the subgraph, operators by their output.

    Attributes:
        model: the float model, unpacked.
        operators: in the order in which they run, without conversions of types.
        constants: of arithmetic operators.
        levels: of each activation, as the converter makes them.
        reference: the weights of the float model.
        trained: those of the int8 model before they are rounded; variables before the pooling.
        stretch_of: variable, the logarithm of the factor of the scale of each activation before the pooling.
        logits: the tensor that the softmax is computed from.
        features: the pooled features.
        linear: outputs of layers without an activation before the pooling.
        weights: the variables of `trained`.
        stretches: the variables of `stretch_of`; tensors of one scale share one.
    """

    model: Any
    operators: tuple[_Operator, ...]
    constants: Mapping[int, NDArray[np.float32]]
    levels: Mapping[int, _Levels]
    reference: Mapping[int, _Parameters]
    trained: Mapping[int, _Parameters]
    stretch_of: Mapping[int, Any]
    logits: int
    features: int
    linear: tuple[int, ...]
    weights: tuple[Any, ...]
    stretches: tuple[Any, ...]

    @classmethod
    def of(cls, calibrated: Calibrated) -> "Simulation":
        """Simulate what `quantize` makes of a calibrated model.

        Raises:
            ModelError: an operator that is not known, no average pooling or no softmax.
        """
        import tensorflow as tf

        schema, model = unpack(calibrated.content)
        operators = _read_operators(schema, model)
        source = unpack(calibrated.original or calibrated.content)[1]
        pooling = next((at for at, each in enumerate(operators) if each.kind == "MEAN"), 0)
        if not pooling or operators[-1].kind != "SOFTMAX":
            raise ModelError(
                "--qat-steps: expected a network with global average pooling and a softmax at its end"
            )
        parameters = _read_parameters(model, operators)
        trained = {
            each.output: _Parameters(*map(_variable, parameters[each.output]))
            for each in operators[:pooling]
            if each.kind in _WEIGHTED
        }
        variables = [each for pair in trained.values() for each in pair if each is not None]
        stretch_of: dict[int, Any] = {}
        for each in operators[: pooling + 1]:
            shared = stretch_of.get(each.inputs[0]) if each.kind in _SAME_SCALE else None
            stretch_of[each.output] = tf.Variable(0.0) if shared is None else shared
        return cls(
            model=model,
            operators=operators,
            constants=_read_constants(model, operators),
            levels=_read_levels(calibrated, operators),
            reference=_read_parameters(source, _read_operators(schema, source)),
            trained={**parameters, **trained},
            stretch_of=stretch_of,
            logits=operators[-1].inputs[0],
            features=operators[pooling].output,
            linear=tuple(
                each.output
                for each in operators[:pooling]
                if each.kind in ("CONV_2D", "ADD") and not each.options.fusedActivationFunction
            ),
            weights=tuple(variables),
            stretches=tuple({id(each): each for each in stretch_of.values()}.values()),
        )

    def in_float(self, pixels: Any) -> Values:
        """The activations of the float model, before any bias was corrected.

        Args:
            pixels: what the float model takes, float32, shape (batch, height, width, 3).
        """
        return self._run(pixels, self.reference, lambda _tensor, values: values, lambda values, _axis: values)

    def in_int8(self, pixels: Any) -> Values:
        """The activations of the int8 model, as real numbers."""
        return self._run(pixels, self.trained, self._to_levels, _round_weights)

    def content(self) -> bytes:
        """The float `.tflite` with the trained weights, biases and ranges."""
        for each in self.operators:
            if each.kind in _WEIGHTED:
                weights, bias = self.trained[each.output]
                set_weights(self.model, each.source, 1, np.asarray(weights))
                if bias is not None:
                    set_weights(self.model, each.source, 2, np.asarray(bias))
        for tensor, stretch in self.stretch_of.items():
            levels = self.levels[tensor]
            scale = levels.scale * float(np.exp(stretch.numpy()))
            quantization = self.model.subgraphs[0].tensors[tensor].quantization
            if quantization is not None and quantization.min is not None:
                quantization.min = [scale * (_LOWEST - levels.zero_point)]
                quantization.max = [scale * (_HIGHEST - levels.zero_point)]
        return pack(self.model)

    def _run(
        self,
        pixels: Any,
        parameters: Mapping[int, _Parameters],
        to_levels: Callable[[int, Any], Any],
        round_weights: Callable[[Any, int], Any],
    ) -> Values:
        first = self.operators[0].inputs[0]
        values = {first: to_levels(first, pixels)}
        for each in self.operators:
            known = {**self.constants, **values}
            given = [known[tensor] for tensor in each.inputs if tensor in known]
            if each.kind in _WEIGHTED:
                weights, bias = parameters[each.output]
                weights = round_weights(weights, -1 if each.kind == "DEPTHWISE_CONV_2D" else 0)
                result = _LAYERS[each.kind](each, given[0], weights)
                result = _activate(each, result if bias is None else result + bias)
            else:
                result = _OTHERS[each.kind](each, given)
            values[each.output] = result if each.kind == "SOFTMAX" else to_levels(each.output, result)
        return values

    def _to_levels(self, tensor: int, values: Any) -> Any:
        import tensorflow as tf

        levels = self.levels[tensor]
        scale: Any = levels.scale
        if tensor in self.stretch_of:
            scale *= tf.exp(self.stretch_of[tensor])
        steps = values / scale
        rounded = steps + tf.stop_gradient(tf.round(steps) - steps)
        low, high = _LOWEST - levels.zero_point, _HIGHEST - levels.zero_point
        return tf.clip_by_value(rounded, float(low), float(high)) * scale


def _read_operators(schema: Any, model: Any) -> tuple[_Operator, ...]:
    tensors = model.subgraphs[0].tensors
    operators = []
    for each in model.subgraphs[0].operators:
        kind = kind_of(schema, model, each)
        output = int(each.outputs[0])
        inputs = tuple(map(int, each.inputs))
        operators.append(_Operator(kind, each, inputs, output, tuple(map(int, tensors[output].shape))))
    unknown = sorted({each.kind for each in operators} - {*_WEIGHTED, *_OTHERS, *_CONVERSIONS})
    for each in operators:
        # OHWI and 1HWC: another number of channels than the input's means groups or a depth multiplier.
        if each.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            values, weights = (tensors[tensor].shape for tensor in each.inputs[:2])
            if values[-1] != weights[-1]:
                unknown.append(f"a {each.kind} with groups or several filters for each channel")
    if unknown:
        raise ModelError(
            f"--qat-steps: the network has {', '.join(unknown)}, which quantization-aware training does not "
            "know: leave the option out"
        )
    return tuple(each for each in operators if each.kind not in _CONVERSIONS)


def _read_parameters(model: Any, operators: Sequence[_Operator]) -> dict[int, _Parameters]:
    return {
        each.output: _Parameters(
            get_weights(model, each.source, 1).copy(),
            get_weights(model, each.source, 2).copy()
            if len(each.inputs) > 2 and each.inputs[2] >= 0
            else None,
        )
        for each in operators
        if each.kind in _WEIGHTED
    }


def _read_constants(model: Any, operators: Sequence[_Operator]) -> dict[int, NDArray[np.float32]]:
    computed = {operators[0].inputs[0], *(each.output for each in operators)}
    return {
        tensor: get_weights(model, each.source, position).copy()
        for each in operators
        if each.kind in _ARITHMETIC
        for position, tensor in enumerate(each.inputs)
        if tensor not in computed
    }


def _read_levels(calibrated: Calibrated, operators: Sequence[_Operator]) -> dict[int, _Levels]:
    """The levels of each activation, from the int8 model that the converter makes."""
    schema, model = unpack(quantize(calibrated))
    quantized = _read_operators(schema, model)
    if [each.kind for each in quantized] != [each.kind for each in operators]:
        raise ModelError("--qat-steps: the int8 model has other operators than the float model: leave it out")
    pairs = [(operators[0].inputs[0], quantized[0].inputs[0])]
    pairs += [(each.output, other.output) for each, other in zip(operators, quantized, strict=True)]
    tensors = model.subgraphs[0].tensors
    return {
        tensor: _Levels(
            float(tensors[other].quantization.scale[0]), int(tensors[other].quantization.zeroPoint[0])
        )
        for tensor, other in pairs
    }


def _variable(values: NDArray[np.float32] | None) -> Any:
    import tensorflow as tf

    return None if values is None else tf.Variable(values)


def _round_weights(weights: Any, axis: int) -> Any:
    """To int8, with one scale for each output channel."""
    import tensorflow as tf

    weights = tf.convert_to_tensor(weights)
    axes = [each for each in range(len(weights.shape)) if each != axis % len(weights.shape)]
    scale = tf.stop_gradient(tf.reduce_max(tf.abs(weights), axes, keepdims=True) / _STEPS)
    scale = tf.where(scale > 0, scale, 1.0)
    return weights + tf.stop_gradient(tf.round(weights / scale) * scale - weights)


def _activate(operator: _Operator, values: Any) -> Any:
    import tensorflow as tf

    # In the order of the schema's ActivationFunctionType.
    kinds = (lambda given: given, tf.nn.relu, None, tf.nn.relu6)
    number = operator.options.fusedActivationFunction
    apply = kinds[number] if number < len(kinds) else None
    if apply is None:
        raise ModelError(f"--qat-steps: activation {number} of a {operator.kind} is not known: leave it out")
    return apply(values)


def _convolve(operator: _Operator, values: Any, weights: Any) -> Any:
    import tensorflow as tf

    options = operator.options
    strides = [1, options.strideH, options.strideW, 1]
    dilations = [options.dilationHFactor, options.dilationWFactor]
    convolve = tf.nn.conv2d if operator.kind == "CONV_2D" else tf.nn.depthwise_conv2d
    padding = ("SAME", "VALID")[options.padding]
    # A depthwise convolution has 1 first, as each channel has one filter; TensorFlow has that last.
    return convolve(values, tf.transpose(weights, [1, 2, 3, 0]), strides, padding, dilations=dilations)


def _multiply(_operator: _Operator, values: Any, weights: Any) -> Any:
    import tensorflow as tf

    return tf.matmul(values, weights, transpose_b=True)


def _reshape(operator: _Operator, given: Sequence[Any]) -> Any:
    import tensorflow as tf

    # The converter leaves the batch of one out where a tensor is added to another one that has it.
    if operator.shape[0] != 1:
        return given[0]
    return tf.reshape(given[0], [-1, *operator.shape[1:]])


def _average(operator: _Operator, given: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(given[0], [1, 2], keepdims=bool(operator.options.keepDims))


def _largest(operator: _Operator, given: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.reduce_max(given[0], 1, keepdims=bool(operator.options.keepDims))


def _concatenate(operator: _Operator, given: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.concat(given, operator.options.axis)


def _softmax(_operator: _Operator, given: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.nn.softmax(given[0])


_LAYERS: Mapping[str, Callable[[_Operator, Any, Any], Any]] = {
    "CONV_2D": _convolve,
    "DEPTHWISE_CONV_2D": _convolve,
    "FULLY_CONNECTED": _multiply,
}

_OTHERS: Mapping[str, Callable[[_Operator, Sequence[Any]], Any]] = {
    "ADD": lambda operator, given: _activate(operator, given[0] + given[1]),
    "SUB": lambda operator, given: _activate(operator, given[0] - given[1]),
    "MUL": lambda operator, given: _activate(operator, given[0] * given[1]),
    "MEAN": _average,
    "RESHAPE": _reshape,
    "REDUCE_MAX": _largest,
    "CONCATENATION": _concatenate,
    "SOFTMAX": _softmax,
}
