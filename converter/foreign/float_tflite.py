"""Rebuild a float `.tflite` as a Keras model, operator by operator, so that it can be calibrated."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import kind_of, names_of, unpack
from edge_runtime.core import ModelError, one_line

MAX_OPERATORS = 5_000

_SHAPE_ARITHMETIC = frozenset({"SHAPE", "STRIDED_SLICE", "PACK"})
"""What a reshape of a batch of any size consists of: the shape of its result is known without it."""

_NARROW = {"FLOAT32": np.float32, "FLOAT16": np.float16, "INT32": np.int32, "INT64": np.int64}

_ACTIVATIONS = {"NONE": None, "RELU": "relu", "RELU6": "relu6", "TANH": "tanh"}

_BATCH_EPSILON = 1e-3


def rebuild(content: bytes, name: str) -> Any:
    """A Keras model with the operators and weights of a float model.

    Args:
        content: the bytes of a `.tflite` with the identifier `TFL3`.
        name: how messages call it.

    Returns:
        A Keras model: float32 images, shape (batch, height, width, 3) → shape (batch, classes).

    Raises:
        ModelError: damaged, quantized already, or with an operator that is not known.
    """
    try:
        schema, model = unpack(content)
        graph = _Graph(schema, model, name)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{name}: not a TensorFlow Lite model, or damaged ({one_line(error):.120})"
        ) from error
    try:
        return graph.build()
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{name}: cannot be rebuilt as a Keras model: {one_line(error):.200}") from error


@dataclass
class _Graph:
    """The first subgraph of a model on its way to Keras.

    Attributes:
        schema: the module of the flatbuffer's schema.
        model: the unpacked model.
        name: how messages call it.
        values: tensor → what computes it.
    """

    schema: Any
    model: Any
    name: str
    values: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.model.subgraphs) != 1:
            raise ModelError(f"{self.name}: {len(self.model.subgraphs)} subgraphs; a classifier has one")
        self.subgraph = self.model.subgraphs[0]
        self.operators = self.subgraph.operators or []
        if len(self.operators) > MAX_OPERATORS:
            raise ModelError(f"{self.name}: {len(self.operators)} operators; at most {MAX_OPERATORS}")
        self._types = names_of(self.schema.TensorType)
        self._activations = names_of(self.schema.ActivationFunctionType)
        self._narrow = {
            int(operator.outputs[0]): int(operator.inputs[0])
            for operator in self.operators
            if self.kind_of(operator) == "DEQUANTIZE"
        }

    def build(self) -> Any:
        """The Keras model."""
        import keras

        if len(self.subgraph.inputs) != 1 or len(self.subgraph.outputs) != 1:
            raise ModelError(f"{self.name}: expected one input and one output")
        (given,), (asked,) = self.subgraph.inputs, self.subgraph.outputs
        if self.type_of(given) != "FLOAT32":
            raise ModelError(
                f"{self.name}: its input is {self.type_of(given).lower()}: it is quantized already; "
                "edge-classify runs it as it is"
            )
        signature = self.subgraph.tensors[given].shapeSignature
        if signature is not None and -1 in signature[1:]:
            raise ModelError(f"{self.name}: its input has no fixed size ({', '.join(map(str, signature))})")
        inputs = keras.Input(self.shape_of(given)[1:])
        self.values[int(given)] = inputs
        for operator in self.operators:
            self._add(operator)
        if int(asked) not in self.values:
            raise ModelError(f"{self.name}: nothing computes its output")
        return keras.Model(inputs, self.values[int(asked)], name=_layer_name(self.name))

    def _add(self, operator: Any) -> None:
        kind = self.kind_of(operator)
        (result,) = operator.outputs
        if kind in _SHAPE_ARITHMETIC and self.type_of(result).startswith("INT"):
            return
        if kind == "DEQUANTIZE" and self.constant(operator.inputs[0]) is not None:
            return  # of weights: `constant` looks through it
        build = _BUILDERS.get(kind)
        if build is None:
            raise ModelError(
                f"{self.name}: contains the operator {kind}, which is not among the known ones; refused"
            )
        self.values[int(result)] = build(self, operator)

    def kind_of(self, operator: Any) -> str:
        """The name of an operator, such as `CONV_2D`."""
        kind = kind_of(self.schema, self.model, operator)
        if kind == "CUSTOM":
            return f"{self.model.operatorCodes[operator.opcodeIndex].customCode!r:.60}"
        return kind

    def type_of(self, tensor: int) -> str:
        """The type of a tensor, such as `FLOAT32`."""
        return self._types[self.subgraph.tensors[tensor].type]

    def shape_of(self, tensor: int) -> tuple[int, ...]:
        """The shape of a tensor; (1, …) for a batch of any size."""
        shape = self.subgraph.tensors[tensor].shape
        return () if shape is None else tuple(int(side) for side in shape)

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """The values of a constant, float16 as float32; None of what is computed."""
        data = self.model.buffers[self.subgraph.tensors[tensor].buffer].data
        if data is None:
            return self.constant(self._narrow[int(tensor)]) if int(tensor) in self._narrow else None
        kind = self.type_of(tensor)
        if kind not in _NARROW:
            raise ModelError(
                f"{self.name}: its weights are {kind.lower()}: it is quantized already; "
                "edge-classify runs it as it is"
            )
        values = np.asarray(data, np.uint8).view(_NARROW[kind]).reshape(self.shape_of(tensor))
        return values.astype(np.float32) if values.dtype == np.float16 else values

    def weights(self, operator: Any, position: int) -> NDArray[np.float32]:
        """A constant input of an operator."""
        values = self.constant(operator.inputs[position])
        if values is None:
            raise ModelError(f"{self.name}: the weights of a {self.kind_of(operator)} are computed; refused")
        return values

    def bias(self, operator: Any, count: int) -> NDArray[np.float32]:
        """The third input of an operator; zeros where there is none."""
        if len(operator.inputs) < 3 or operator.inputs[2] < 0:
            return np.zeros(count, np.float32)
        return self.weights(operator, 2)

    def value(self, operator: Any, position: int = 0) -> Any:
        """What computes an input of an operator."""
        tensor = int(operator.inputs[position])
        if tensor not in self.values:
            raise ModelError(f"{self.name}: an input of a {self.kind_of(operator)} is not computed before it")
        return self.values[tensor]

    def activated(self, value: Any, operator: Any) -> Any:
        """With the activation that is part of the operator."""
        import keras

        fused = self._activations[operator.builtinOptions.fusedActivationFunction]
        if fused not in _ACTIVATIONS:
            raise ModelError(
                f"{self.name}: contains the activation {fused}, which is not among the known ones"
            )
        if fused == "RELU6":
            return keras.layers.ReLU(6.0)(value)
        kind = _ACTIVATIONS[fused]
        return value if kind is None else keras.layers.Activation(kind)(value)

    def padding(self, operator: Any) -> str:
        """`same` or `valid`."""
        return names_of(self.schema.Padding)[operator.builtinOptions.padding].lower()


def _layer_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name.rpartition("/")[2]) or "model"


def _convolution(graph: _Graph, operator: Any) -> Any:
    import keras

    options = operator.builtinOptions
    kernel = graph.weights(operator, 1).transpose(1, 2, 3, 0)
    layer = keras.layers.Conv2D(
        kernel.shape[3],
        kernel.shape[:2],
        strides=(options.strideH, options.strideW),
        dilation_rate=(options.dilationHFactor, options.dilationWFactor),
        padding=graph.padding(operator),
    )
    given = graph.value(operator)
    if given.shape[-1] != kernel.shape[2]:
        raise ModelError(f"{graph.name}: contains a grouped CONV_2D, which is not among the known operators")
    result = layer(given)
    layer.set_weights([kernel, graph.bias(operator, kernel.shape[3])])
    return graph.activated(result, operator)


def _depthwise(graph: _Graph, operator: Any) -> Any:
    import keras

    options, given, kernel = operator.builtinOptions, graph.value(operator), graph.weights(operator, 1)
    channels = int(given.shape[-1])
    height, width, outputs = kernel.shape[1:]
    layer = keras.layers.DepthwiseConv2D(
        (height, width),
        strides=(options.strideH, options.strideW),
        dilation_rate=(options.dilationHFactor, options.dilationWFactor),
        padding=graph.padding(operator),
        depth_multiplier=outputs // channels,
    )
    result = layer(given)
    kernel = kernel.reshape(height, width, channels, outputs // channels)
    layer.set_weights([kernel, graph.bias(operator, outputs)])
    return graph.activated(result, operator)


def _dense(graph: _Graph, operator: Any) -> Any:
    import keras

    kernel = graph.weights(operator, 1).T
    layer = keras.layers.Dense(kernel.shape[1])
    given = graph.value(operator)
    result = layer(keras.layers.Flatten()(given) if len(given.shape) > 2 else given)
    layer.set_weights([kernel, graph.bias(operator, kernel.shape[1])])
    return graph.activated(result, operator)


def _arithmetic(graph: _Graph, operator: Any) -> Any:
    """ADD, SUB and MUL of two computed tensors, or of one and a constant."""
    import keras

    kind = graph.kind_of(operator)
    constants = [graph.constant(tensor) for tensor in operator.inputs]
    if constants[0] is None and constants[1] is None:
        layer = {"ADD": keras.layers.Add, "SUB": keras.layers.Subtract, "MUL": keras.layers.Multiply}[kind]()
        return graph.activated(layer([graph.value(operator, 0), graph.value(operator, 1)]), operator)
    position = 0 if constants[0] is None else 1
    constant = constants[1 - position]
    if constant is None or (kind == "SUB" and position == 1):
        raise ModelError(
            f"{graph.name}: contains a {kind} from a constant, which is not among the known operators"
        )
    given = graph.value(operator, position)
    scale, offset = {"ADD": (1.0, constant), "SUB": (1.0, -constant), "MUL": (constant, 0.0)}[kind]
    return graph.activated(_affine(graph, given, np.asarray(scale), np.asarray(offset)), operator)


def _affine(graph: _Graph, given: Any, scale: NDArray[Any], offset: NDArray[Any]) -> Any:
    """Multiply by a scale and add an offset: one value, or one for each channel."""
    import keras

    channels = int(given.shape[-1])
    if scale.size == 1 and offset.size == 1:
        return keras.layers.Rescaling(float(scale.reshape(())), float(offset.reshape(())))(given)
    if not {scale.size, offset.size} <= {1, channels}:
        raise ModelError(f"{graph.name}: contains a constant of shape {offset.shape}; refused")
    layer = keras.layers.BatchNormalization(epsilon=_BATCH_EPSILON)
    result = layer(given)
    zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
    # mean 0 and variance 1 - epsilon: exactly gamma · x + beta
    layer.set_weights([ones * scale.reshape(-1), ones * offset.reshape(-1), zeros, ones - _BATCH_EPSILON])
    return result


def _mean(graph: _Graph, operator: Any) -> Any:
    import keras

    axes = {int(axis) % 4 for axis in graph.weights(operator, 1).reshape(-1)}
    if axes != {1, 2}:
        raise ModelError(f"{graph.name}: contains a MEAN over the axes {sorted(axes)}; refused")
    pool = keras.layers.GlobalAveragePooling2D(keepdims=bool(operator.builtinOptions.keepDims))
    return pool(graph.value(operator))


def _pooling(layer: str) -> "Callable[[_Graph, Any], Any]":
    def build(graph: _Graph, operator: Any) -> Any:
        import keras

        options = operator.builtinOptions
        pool = getattr(keras.layers, layer)(
            (options.filterHeight, options.filterWidth),
            strides=(options.strideH, options.strideW),
            padding=graph.padding(operator),
        )
        return graph.activated(pool(graph.value(operator)), operator)

    return build


def _reshape(graph: _Graph, operator: Any) -> Any:
    """RESHAPE and SQUEEZE: the shape of the result says what they do."""
    import keras

    given, (result,) = graph.value(operator), operator.outputs
    shape = graph.shape_of(result)[1:]
    if not shape:
        raise ModelError(f"{graph.name}: contains a reshape that mixes the images of a batch; refused")
    return given if tuple(given.shape[1:]) == shape else keras.layers.Reshape(shape)(given)


def _softmax(graph: _Graph, operator: Any) -> Any:
    import keras

    if operator.builtinOptions.beta != 1.0:
        raise ModelError(f"{graph.name}: a softmax with beta {operator.builtinOptions.beta:g}; refused")
    return keras.layers.Softmax()(graph.value(operator))


def _padding(graph: _Graph, operator: Any) -> Any:
    import keras

    around = graph.weights(operator, 1).tolist()
    if len(around) != 4 or any(around[0]) or any(around[3]):
        raise ModelError(f"{graph.name}: contains a padding of other axes than height and width; refused")
    return keras.layers.ZeroPadding2D(around[1:3])(graph.value(operator))


def _concatenation(graph: _Graph, operator: Any) -> Any:
    import keras

    parts = [graph.value(operator, position) for position in range(len(operator.inputs))]
    joined = keras.layers.Concatenate(axis=int(operator.builtinOptions.axis))(parts)
    return graph.activated(joined, operator)


def _activation(kind: str) -> "Callable[[_Graph, Any], Any]":
    def build(graph: _Graph, operator: Any) -> Any:
        import keras

        return keras.layers.Activation(kind)(graph.value(operator))

    return build


def _relu6(graph: _Graph, operator: Any) -> Any:
    import keras

    return keras.layers.ReLU(6.0)(graph.value(operator))


_BUILDERS: Mapping[str, "Callable[[_Graph, Any], Any]"] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "ADD": _arithmetic,
    "SUB": _arithmetic,
    "MUL": _arithmetic,
    "MEAN": _mean,
    "AVERAGE_POOL_2D": _pooling("AveragePooling2D"),
    "MAX_POOL_2D": _pooling("MaxPooling2D"),
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "SOFTMAX": _softmax,
    "PAD": _padding,
    "CONCATENATION": _concatenation,
    "RELU": _activation("relu"),
    "RELU6": _relu6,
    "HARD_SWISH": _activation("hard_silu"),
    "LOGISTIC": _activation("sigmoid"),
    "TANH": _activation("tanh"),
}
