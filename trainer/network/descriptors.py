"""Descriptors of images, to compare images and to judge labels by: what they show, and roughly where."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import Batches
from trainer.network.classifier import Network
from trainer.network.forward import build_forward

MIDDLE_LAYER = "block_12_add"
"""The last layer with 1/16 of the resolution: of lines and digits it knows more than the features do."""

CELLS = 3
"""The middle layer's mean is taken in 3 × 3 cells of the image."""


def extract_descriptors(
    network: Network, batches: Batches, done: Callable[[float], None]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The features of every image, and the means of a middle layer in 3 × 3 cells, in order.

    Args:
        network: with the weights to use.
        batches: the images.
        done: called with each fraction of the work that is done.

    Returns:
        float32, shape (images, channels) and (images, 9 · channels of the middle layer).
    """
    forward = build_forward(_build(network))
    rows = []
    for pixels, _targets in batches:
        rows.append(forward(pixels))
        done(1 / len(batches))
    descriptors = np.concatenate(rows)
    channels = int(network.base.output.shape[-1])
    return descriptors[:, :channels], descriptors[:, channels:]


def _build(network: Network) -> Any:
    import keras

    base = network.base
    middle = base.get_layer(MIDDLE_LAYER).output
    cell = -(-int(middle.shape[1]) // CELLS)
    cells = keras.layers.AveragePooling2D(cell, padding="same")(middle)
    both = keras.Model(base.input, keras.layers.Concatenate()([base.output, keras.layers.Flatten()(cells)]))
    inputs = keras.Input(network.model.input_shape[1:])
    return keras.Model(inputs, both(network.model.get_layer("rescaling")(inputs)))
