"""Class activation maps: where in an image the evidence for its class is.

With the mean over the positions of a feature map f and one dense layer w after it, the logit of a class is
the mean over the positions of w · f(position): each position's part of it is known exactly (Zhou and others,
Learning Deep Features for Discriminative Localization, 2016). What all classes have in common is subtracted.

The feature map is the output of a second interpreter, of the same file with another tensor as output. It is
opened when the first map is asked for, so that nothing else becomes slower.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ModelError, Result, one_line
from edge_runtime.images import draw_heatmap
from edge_runtime.inference.engine_registry import choose_engine, installed_engines
from edge_runtime.inference.graph import CHANGES_FORM_ONLY, DAMAGED, Code, Graph
from edge_runtime.inference.interpreter import InterpreterEngine
from edge_runtime.inference.loader import LoadedModel

_BEFORE_LOGITS = CHANGES_FORM_ONLY | {Code.SOFTMAX, Code.LOGISTIC, Code.CONCATENATION}
_MAX_STEPS = 8


@dataclass(frozen=True, eq=False)
class _LastLayers:
    """The feature map before the mean, and the dense layer after it: weights (classes, channels), biases."""

    feature_map: int
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]


class Heatmaps:
    """Draws where the evidence for the answer of a result is, in any thread.

    Args:
        model: returns the model that runs now.
    """

    def __init__(self, model: Callable[[], LoadedModel]) -> None:
        self._model = model
        self._turn = threading.Lock()
        self._opened: tuple[LoadedModel, ActivationMaps] | None = None

    def draw(self, result: Result) -> Image:
        """The image at the model's size with the evidence for its answer, uint8 RGB.

        An image of no class shows the evidence for the best class.

        Raises:
            ModelError: see `ActivationMaps`, or the model has been replaced since.
        """
        with self._turn:
            model = self._model()
            if self._opened is None or self._opened[0] is not model:
                self._opened = (model, ActivationMaps(model))
            maps = self._opened[1]
            if result.pixels is None or result.pixels.shape[:2] != model.classifier.size:
                raise ModelError("the model has been replaced since this frame")
            return draw_heatmap(result.pixels, maps.measure(result.pixels, result.answer))


class ActivationMaps:
    """The class activation maps of one model. Not for several threads at once.

    Args:
        model: a model that ends with the mean over a feature map and one dense layer.

    Raises:
        ModelError: it ends otherwise.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._classifier = model.classifier
        name = model.file.name
        try:
            graph = Graph(model.file.content)
            self._last = _find_last_layers(graph)
            content = graph.with_output(self._last.feature_map)
        except DAMAGED as error:
            raise ModelError(
                f"{name}: no heatmap: it needs a model that ends with average pooling and one dense layer"
            ) from error
        engine = model.classifier.engine.name
        if engine == "openvino":
            engine = choose_engine(next(each for each in installed_engines() if each != "openvino"))
        try:
            self._engine = InterpreterEngine(content, engine, 1)
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"{name}: no heatmap: {engine} cannot give its feature map: {one_line(error):.300}"
            ) from error
        shape = self._engine.output.shape
        if len(shape) != 4 or shape[3] != self._last.weights.shape[1]:
            raise ModelError(f"{name}: no heatmap: its feature map has the shape {shape}")
        if shape[1] * shape[2] == 1:
            raise ModelError(
                f"{name}: no heatmap: its feature map has one position; a model of larger images has more "
                "(edge-train --image-size)"
            )

    def measure(self, pixels: Image, label: str) -> NDArray[np.float32]:
        """The evidence for a label at each position, float32, shape (rows, columns).

        Its mean is by how much the label's logit is above the mean logit, without biases.

        Args:
            pixels: uint8 RGB at the model's size.
            label: of a class; the best class for any other text.
        """
        tensor = self._classifier.encode(pixels)
        features = self._engine.output.real(self._engine.invoke(tensor))[0]
        weights = self._last.weights
        labels = self._classifier.labels[: len(weights)]
        if label in labels:
            chosen = labels.index(label)
        else:
            chosen = int((features.mean(axis=(0, 1)) @ weights.T + self._last.biases).argmax())
        return np.asarray(features @ (weights[chosen] - weights.mean(axis=0)), np.float32)


def _find_last_layers(graph: Graph) -> _LastLayers:
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
    return _LastLayers(operator.inputs[0], weights, biases)


def _skip(graph: Graph, tensor: int, codes: frozenset[int]) -> int:
    """Go back over operators of some kinds, by their first input."""
    for _ in range(_MAX_STEPS):
        if graph.producers[tensor].code not in codes:
            return tensor
        tensor = graph.producers[tensor].inputs[0]
    raise ValueError("too many operators")
