"""The feature map of a model that ends with its mean over the positions and dense layers.

It is the output of a second interpreter, of the same file with another tensor as output. It is opened when
the first map is asked for, so that nothing else becomes slower.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ModelError, one_line
from edge_runtime.inference.engine_registry import choose_engine, installed_engines
from edge_runtime.inference.graph import CHANGES_FORM_ONLY, DAMAGED, Code, Graph
from edge_runtime.inference.interpreter import InterpreterEngine
from edge_runtime.inference.loader import LoadedModel

_BEFORE_LOGITS = CHANGES_FORM_ONLY | {Code.SOFTMAX, Code.LOGISTIC, Code.CONCATENATION, Code.SUB}
_MAX_STEPS = 8


@dataclass(frozen=True, eq=False)
class LastLayers:
    """The feature map before the mean, and the dense layer after it: weights (classes, channels), biases."""

    feature_map: int
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]


class FeatureMaps:
    """The feature maps of images. Not for several threads at once.

    Args:
        model: a model that ends with the mean over a feature map and one dense layer.

    Attributes:
        last: the layers after the feature map.
        shape: (rows, columns, channels) of a feature map.

    Raises:
        ModelError: it ends otherwise.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._classifier = model.classifier
        name = model.file.name
        try:
            graph = Graph(model.file.content)
            self.last = _find_last_layers(graph)
            content = graph.with_output(self.last.feature_map)
        except DAMAGED as error:
            raise ModelError(
                f"{name}: it has no feature map: that needs a model that ends with average pooling and one "
                "dense layer"
            ) from error
        engine = model.classifier.engine.name
        if engine == "openvino":
            engine = choose_engine(next(each for each in installed_engines() if each != "openvino"))
        try:
            self._engine = InterpreterEngine(content, engine, 1)
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"{name}: {engine} cannot give its feature map: {one_line(error):.300}"
            ) from error
        shape = self._engine.output.shape
        if len(shape) != 4 or shape[3] != self.last.weights.shape[1]:
            raise ModelError(f"{name}: its feature map has the shape {shape}")
        self.shape = (shape[1], shape[2], shape[3])

    def measure(self, pixels: Image) -> NDArray[np.float32]:
        """The feature map of an image, float32, shape (rows, columns, channels).

        Args:
            pixels: uint8 RGB at the model's size.
        """
        tensor = self._classifier.encode(pixels)
        return np.asarray(self._engine.output.real(self._engine.invoke(tensor))[0], np.float32)


def _find_last_layers(graph: Graph) -> LastLayers:
    """Go back from the output to the dense layers of the logits, and to the mean before them.

    Raises:
        one of `DAMAGED`: the model ends otherwise.
    """
    tensor = _skip(graph, graph.output, _BEFORE_LOGITS)
    weights: Any = None
    biases: Any = None
    operator = graph.producers[tensor]
    for _ in range(_MAX_STEPS):
        if operator.code != Code.FULLY_CONNECTED:
            break
        if operator.activation:
            raise ValueError("a hidden layer")
        kernel = graph.read_constant(operator.inputs[1])
        has_bias = len(operator.inputs) > 2 and operator.inputs[2] >= 0
        bias = graph.read_constant(operator.inputs[2]) if has_bias else np.zeros(len(kernel), np.float32)
        # Layers without an activation between them are one layer.
        biases = bias if weights is None else weights @ bias + biases
        weights = kernel if weights is None else weights @ kernel
        operator = graph.producers[_skip(graph, operator.inputs[0], CHANGES_FORM_ONLY)]
    if operator.code != Code.MEAN or weights is None or weights.ndim != 2:
        raise ValueError("no mean over a feature map")
    if len(weights) == 1:
        # One logit is that of the second class, the first has 0.
        weights, biases = np.concatenate([0 * weights, weights]), np.concatenate([0 * biases, biases])
    return LastLayers(operator.inputs[0], weights, biases)


def _skip(graph: Graph, tensor: int, codes: frozenset[int]) -> int:
    """Go back over operators of some kinds, by their first input."""
    for _ in range(_MAX_STEPS):
        if graph.producers[tensor].code not in codes:
            return tensor
        tensor = graph.producers[tensor].inputs[0]
    raise ValueError("too many operators")
