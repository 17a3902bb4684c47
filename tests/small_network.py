"""A network of a few layers that is hard to quantize, and images for it."""

from typing import Any

import numpy as np

from edge_runtime import ModelCard

SIDE = 16
CARD = ModelCard(labels=tuple("abcde"), image_size=(SIDE, SIDE))


def network(*, activation: str = "relu6", multiplier: int = 1) -> Any:
    """A bottleneck of MobileNetV2 with random weights, one channel of which is much wider than the others."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    given = keras.Input((SIDE, SIDE, 3))
    values = layers.Conv2D(8, 3, 2, "same", activation="relu6")(given)
    narrow = layers.Conv2D(8, 1, name="narrow")(values)
    values = layers.Conv2D(24, 1, activation=activation)(narrow)
    values = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=multiplier, activation="relu6")(
        values
    )
    values = layers.Add()([layers.Conv2D(8, 1)(values), narrow])
    values = layers.Conv2D(32, 1, activation="relu6")(values)
    scores = layers.Dense(5, "softmax", name="scores")(layers.GlobalAveragePooling2D()(values))
    core = keras.Model(given, scores)
    for name, factor in (("narrow", [400.0] + 7 * [1.0]), ("scores", 10.0)):
        kernel, bias = core.get_layer(name).get_weights()
        core.get_layer(name).set_weights([kernel * np.array(factor), bias])
    pixels = keras.Input((SIDE, SIDE, 3))
    return keras.Model(pixels, core(layers.Rescaling(1 / 127.5, -1)(pixels)))


def images(count: int, seed: int) -> list[np.ndarray]:
    """Blurred noise in random colors."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, SIDE // 4, SIDE // 4, 3))
    return list(small.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8))
