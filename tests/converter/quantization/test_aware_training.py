"""Quantization-aware training."""

from typing import Any

import numpy as np
import pytest

from converter.quantization import (
    Calibrated,
    Io,
    calibrate,
    converted_scores,
    correct,
    float_scores,
    measure_agreement,
    quantize,
    train_for_int8,
)
from edge_runtime import ModelCard, ModelError

SIDE = 16


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


def divergence(model: Any, calibrated: Calibrated, others: list[np.ndarray]) -> float:
    card = ModelCard(labels=tuple("abcde"), image_size=(SIDE, SIDE))
    found = converted_scores(quantize(calibrated), card, others)
    return measure_agreement(float_scores(model, others), found).kl_divergence


@pytest.mark.parametrize("io", [Io.UINT8, Io.FLOAT32])
def test_int8_comes_closer_to_the_float_model_on_other_images(io: Io) -> None:
    model = network()
    corrected = correct(calibrate(model, images(50, seed=0), io))
    steps: list[int] = []
    trained = train_for_int8(corrected, images(200, seed=1), 150, 0, lambda done, _all: steps.append(done))
    assert steps == list(range(1, 151))
    others = images(300, seed=2)
    assert divergence(model, trained, others) < 0.5 * divergence(model, corrected, others)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"activation": "hard_silu"}, "HARD_SWISH"),
        ({"multiplier": 2}, "a DEPTHWISE_CONV_2D with groups or several filters"),
    ],
)
def test_a_network_that_is_not_known_is_one_line(options: dict[str, Any], what: str) -> None:
    calibrated = calibrate(network(**options), images(20, seed=0))
    with pytest.raises(ModelError, match=f"--qat-steps: the network has {what}.*leave the option out"):
        train_for_int8(calibrated, images(20, seed=1), 1, 0)
