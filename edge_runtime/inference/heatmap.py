"""Class activation maps: where in an image the evidence for its class is.

With the mean over the positions of a feature map f and one dense layer w after it, the logit of a class is
the mean over the positions of w · f(position): each position's part of it is known exactly (Zhou and others,
Learning Deep Features for Discriminative Localization, 2016). What all classes have in common is subtracted.
"""

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ModelError, Result
from edge_runtime.images import draw_heatmap
from edge_runtime.inference.feature_maps import FeatureMaps
from edge_runtime.inference.loader import LoadedModel


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
        self._labels = model.classifier.labels
        try:
            self._maps = FeatureMaps(model)
        except ModelError as error:
            raise ModelError(f"no heatmap: {error}") from error
        rows, columns, _channels = self._maps.shape
        if rows * columns == 1:
            raise ModelError(
                f"no heatmap: {model.file.name}: its feature map has one position; a model of larger images "
                "has more (edge-train --image-size)"
            )

    def measure(self, pixels: Image, label: str) -> NDArray[np.float32]:
        """The evidence for a label at each position, float32, shape (rows, columns).

        Its mean is by how much the label's logit is above the mean logit, without biases.

        Args:
            pixels: uint8 RGB at the model's size.
            label: of a class; the best class for any other text.
        """
        features, last = self._maps.measure(pixels), self._maps.last
        weights = last.weights
        labels = self._labels[: len(weights)]
        if label in labels:
            chosen = labels.index(label)
        else:
            chosen = int((features.mean(axis=(0, 1)) @ weights.T + last.biases).argmax())
        return np.asarray(features @ (weights[chosen] - weights.mean(axis=0)), np.float32)
